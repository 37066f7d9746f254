/** What a thread of the pool runs. Its one connection lives as long as the thread. */
import { BroadcastChannel } from 'node:worker_threads';
import { workerData } from 'piscina';
import { EvenkeelError } from '../core/errors.ts';
import { isConnectionLost } from '../database/errors.ts';
import { classifyFailure } from './failures.ts';
import { Memory } from './memory.ts';
import { explain } from './explain.ts';
import { preview } from './questions.ts';
import { CalculationError, runCalculation } from './run-calculation.ts';
import { Session } from './session.ts';
import { isMember } from './why.ts';
import { type Answer, type CalculateTask, type Outcome, type QuestionTask, refusalOf, type Task } from './tasks.ts';

export interface ThreadSettings {
  readonly url: string;
  readonly statementTimeoutMs: number;
  /** Of the broadcast channel on which the ids of cancelled calculations come. */
  readonly channel: string;
}

const settings = workerData as ThreadSettings;
const session = new Session(settings);
const memory = new Memory();
let running: number | undefined;

const channel = new BroadcastChannel(settings.channel);
channel.onmessage = (event) => {
  if ((event as { data: unknown }).data === running) session.cancel();
};
channel.unref();

/** A connection that has been idle for this long is tried before it is trusted. */
const TRY_AFTER_MS = 1_000;

/** An idle connection may have been lost unnoticed; nothing has happened yet when that is found out here. */
const withClient = async <T>(work: (client: Awaited<ReturnType<Session['begin']>>) => Promise<T>): Promise<T> => {
  const { idleMs } = session;
  const client = await session.begin();
  if (idleMs < TRY_AFTER_MS) return work(client);
  try {
    await client.query('select');
  } catch (error) {
    if (!isConnectionLost(error)) throw error;
    await session.reset();
    return work(await session.begin());
  }
  return work(client);
};

const calculate = async (task: CalculateTask): Promise<Outcome> => {
  running = task.id;
  try {
    return await withClient((client) => runCalculation(client, task, memory));
  } catch (thrown) {
    const { cause, kinds } = thrown instanceof CalculationError ? thrown : { cause: thrown, kinds: undefined };
    if (session.cancelled) return { outcome: 'lost' };
    const failure = classifyFailure(cause, session);
    if (isConnectionLost(cause)) await session.reset();
    return kinds === undefined ? failure : { ...failure, kinds };
  } finally {
    running = undefined;
  }
};

const answer = (client: Awaited<ReturnType<Session['begin']>>, task: QuestionTask): Promise<unknown> => {
  switch (task.kind) {
    case 'preview':
      return preview(client, task);
    case 'explain':
      return explain(client, task);
    case 'member':
      return isMember(client, task);
  }
};

const ask = async (task: QuestionTask): Promise<Answer> => {
  try {
    return { value: await withClient((client) => answer(client, task)) };
  } catch (error) {
    if (error instanceof EvenkeelError) return { refusal: refusalOf(error) };
    if (isConnectionLost(error)) await session.reset();
    const { problem, retry } = classifyFailure(error, session);
    const status = problem.code === 'timeout' || retry ? 503 : 500;
    return { refusal: { ...problem, status } };
  }
};

export default (task: Task): Promise<Outcome | Answer> => (task.kind === 'calculate' ? calculate(task) : ask(task));
