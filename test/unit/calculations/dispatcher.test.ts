import { setTimeout as sleep } from 'node:timers/promises';
import { Dispatcher, type DispatcherOptions } from '../../../src/calculations/dispatcher.ts';
import { silentLog } from '../../../src/core/log.ts';
import { openPool } from '../../../src/database/connect.ts';

/** Several of its polls. */
const OUTAGE_MS = 3_500;

test('while the database is away it is asked now and then, and that is said once', async () => {
  const warnings: unknown[] = [];
  // Nobody listens on port 1.
  const pool = openPool('postgres://nobody@127.0.0.1:1/nothing', { max: 1 });
  let asked = 0;
  const query = pool.query.bind(pool) as (...given: unknown[]) => unknown;
  pool.query = ((...given: unknown[]) => {
    asked += 1;
    return query(...given);
  }) as typeof pool.query;
  const dispatcher = new Dispatcher({
    pool,
    log: { ...silentLog, warn: (fields: unknown) => warnings.push(fields) },
    workers: { free: 2 },
    quick: { busy: 0 },
  } as unknown as DispatcherOptions);
  dispatcher.start();
  await sleep(OUTAGE_MS);
  await dispatcher.stop();
  await pool.end();
  expect(warnings).toHaveLength(1);
  expect(asked).toBeGreaterThan(1);
  expect(asked).toBeLessThan(12);
});
