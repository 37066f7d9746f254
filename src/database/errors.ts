/** What a failed statement or connection means for the caller. `SQLSTATE` codes: PostgreSQL's appendix A. */

const SOCKET_CODES = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
]);

/** admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections. */
const UNAVAILABLE_STATES = new Set(['57P01', '57P02', '57P03', '53300']);

/** node-postgres gives these no code. */
const CLIENT_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|Connection ended unexpectedly)/;

const codeOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
};

const QUERY_CANCELED = '57014';

/**
 * The connection is gone, or none can be had now: the same work may succeed on another connection later. Where a `commit`
 * fails with it, the outcome is not known.
 */
export const isConnectionLost = (error: unknown): boolean => {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isConnectionLost);
  const code = codeOf(error);
  if (code !== undefined) return SOCKET_CODES.has(code) || UNAVAILABLE_STATES.has(code) || /^08[0-9A-Z]{3}$/.test(code);
  return error instanceof Error && CLIENT_MESSAGES.test(error.message);
};

/** Serialization failure or deadlock: the transaction may succeed when it is run again. */
export const isSerializationFailure = (error: unknown): boolean => ['40001', '40P01'].includes(codeOf(error) ?? '');

/** A regular expression that PostgreSQL cannot read. */
export const isInvalidPattern = (error: unknown): boolean => codeOf(error) === '2201B';

/** A statement was stopped, by a timeout or by somebody. */
export const isStopped = (error: unknown): boolean => codeOf(error) === QUERY_CANCELED;

/** `lock_timeout` ran out. */
export const isLockTimeout = (error: unknown): boolean => codeOf(error) === '55P03';

/** A unique constraint refused the row. */
export const isUniqueViolation = (error: unknown): boolean => codeOf(error) === '23505';

/**
 * `statement_timeout` ran out. PostgreSQL gives a timeout and a cancellation the same code; only the message differs, so
 * on a server whose `lc_messages` is not English a timeout is taken for a cancellation.
 */
export const isStatementTimeout = (error: unknown): boolean =>
  codeOf(error) === QUERY_CANCELED && /statement timeout/.test((error as Error).message);

/** Somebody asked for the cancellation (`pg_cancel_backend`). */
export const isCancelled = (error: unknown): boolean =>
  codeOf(error) === QUERY_CANCELED && !/(statement|transaction|lock) timeout/.test((error as Error).message);
