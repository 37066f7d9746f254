/** What a thread of the background runs. Its connections live as long as the thread. */
import type pg from 'pg';
import { workerData } from 'piscina';
import { openPool } from '../database/connect.ts';
import { runBackgroundTask } from './run-task.ts';
import type { BackgroundSettings, BackgroundTask } from './tasks.ts';

/** One for the statements of a task, one for what it does beside them. */
const CONNECTIONS = 2;

let pool: pg.Pool | undefined;

export default (task: BackgroundTask): Promise<object> => {
  pool ??= openPool((workerData as BackgroundSettings).url, {
    max: CONNECTIONS,
    applicationName: 'evenkeel background',
  });
  return runBackgroundTask(pool, task);
};
