import { EvenkeelError } from '../core/errors.ts';
import { isCancelled, isConnectionLost, isStatementTimeout } from '../database/errors.ts';

/** The body of every answer that is not a success. */
export interface Problem {
  readonly status: number;
  readonly error: { readonly code: string; readonly message: string; readonly path?: string; readonly hint?: string };
  /** Seconds, for `Retry-After`. */
  readonly retryAfter?: number;
  /** Somebody must act: log it as an error. */
  readonly unexpected: boolean;
}

const RETRY_SECONDS = 2;
/** node-postgres, when a request comes while the service closes its pool. */
const POOL_ENDED = /^Cannot use a pool after calling end/;

const anyCause = (error: unknown, holds: (error: unknown) => boolean): boolean => {
  let current = error;
  for (let depth = 0; depth < 5 && current !== undefined && current !== null; depth++) {
    if (holds(current)) return true;
    current = (current as { cause?: unknown }).cause;
  }
  return false;
};

const known = (error: EvenkeelError): Problem => ({
  status: error.status,
  error: {
    code: error.code,
    message: error.message,
    ...(error.path === undefined ? {} : { path: error.path }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  },
  ...(error.status === 503 || error.status === 429 ? { retryAfter: RETRY_SECONDS } : {}),
  unexpected: error.status >= 500 && error.status !== 503,
});

const unavailable = (code: string, message: string, hint: string): Problem => ({
  status: 503,
  error: { code, message, hint },
  retryAfter: RETRY_SECONDS,
  unexpected: false,
});

/** What a caller is told of any error. Nothing of an unexpected one leaks: its request id leads to the log. */
export const problemOf = (error: unknown, requestId: string): Problem => {
  if (error instanceof EvenkeelError) return known(error);
  if (anyCause(error, isConnectionLost) || (error instanceof Error && POOL_ENDED.test(error.message)))
    return unavailable(
      'database_unavailable',
      'the database cannot be reached at the moment; this request was not acknowledged',
      `send it again in ${RETRY_SECONDS} seconds`,
    );
  if (anyCause(error, (cause) => isStatementTimeout(cause) || isCancelled(cause)))
    return unavailable(
      'timeout',
      'PostgreSQL took longer than the statement timeout',
      'try a simpler condition, or raise EVENKEEL_STATEMENT_TIMEOUT_MS',
    );
  return {
    status: 500,
    error: {
      code: 'internal',
      message: 'something went wrong inside Evenkeel; the log says what',
      hint: `look for request id ${requestId} in the log`,
    },
    unexpected: true,
  };
};
