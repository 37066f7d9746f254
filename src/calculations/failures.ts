import { EvenkeelError } from '../core/errors.ts';
import { isConnectionLost, isLockTimeout, isSerializationFailure } from '../database/errors.ts';
import { RETRY_BASE_MS, RETRY_MAX_MS } from './limits.ts';
import type { Failed } from './tasks.ts';

const QUERY_CANCELED = '57014';
/** disk_full, out_of_memory and their kin: often gone a moment later. */
const OUT_OF_RESOURCES = /^53/;
/** A foreign key is missing: the segment was deleted meanwhile. The row says so, and a retry finds it. */
const FOREIGN_KEY = '23503';

const sqlStateOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
};

const failed = (retry: boolean, code: string, message: string, hint?: string): Failed => ({
  outcome: 'failed',
  retry,
  problem: { code, message, ...(hint === undefined ? {} : { hint }) },
});

export interface Circumstances {
  readonly statementTimeoutMs: number;
  /** How long the statement that failed had run. */
  readonly statementMs: number;
}

/** What a failure of a calculation means: whether to try again, and what to tell. */
export const classifyFailure = (error: unknown, { statementTimeoutMs, statementMs }: Circumstances): Failed => {
  if (error instanceof EvenkeelError) return failed(false, error.code, error.message, error.hint);
  if (isConnectionLost(error)) return failed(true, 'connection_lost', 'the connection to the database was lost');
  if (isSerializationFailure(error) || sqlStateOf(error) === FOREIGN_KEY)
    return failed(true, 'serialization_failure', 'it collided with another transaction');
  if (isLockTimeout(error)) return failed(true, 'lock_timeout', 'it waited too long for a lock');
  const state = sqlStateOf(error);
  // PostgreSQL gives a timeout and a cancellation the same code, and words in the server's language; the clock tells.
  if (state === QUERY_CANCELED)
    return statementMs >= statementTimeoutMs * 0.95
      ? failed(
          false,
          'timeout',
          `a statement ran for longer than ${statementTimeoutMs} ms`,
          'explain the condition, simplify it, or raise EVENKEEL_STATEMENT_TIMEOUT_MS',
        )
      : failed(true, 'statement_cancelled', 'somebody cancelled its statement in the database');
  if (state !== undefined && OUT_OF_RESOURCES.test(state))
    return failed(true, 'out_of_resources', (error as Error).message);
  if (state !== undefined) return failed(false, 'statement_failed', `${(error as Error).message} (SQLSTATE ${state})`);
  return failed(false, 'internal', error instanceof Error ? error.message : String(error));
};

/** What the thread that ran it left behind when it died. Worth a retry: it may have been another task's doing. */
export const classifyCrash = (error: unknown): Failed => {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? failed(true, 'out_of_memory', 'its worker thread ran out of memory')
    : failed(true, 'worker_crashed', 'its worker thread crashed');
};

/** Exponential, with jitter over its upper half so that what failed together does not come back together. */
export const retryDelayMs = (attempt: number, random: () => number = Math.random): number => {
  const full = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** Math.max(0, attempt - 1));
  return full * (0.5 + random() / 2);
};
