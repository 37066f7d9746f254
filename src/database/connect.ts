import knex, { type Knex } from 'knex';
import pg from 'pg';
import { EvenkeelError } from '../core/errors.ts';
import { type Log, silentLog } from '../core/log.ts';

export {
  isCancelled,
  isConnectionLost,
  isLockTimeout,
  isSerializationFailure,
  isStatementTimeout,
  isUniqueViolation,
} from './errors.ts';
export { type Isolation, type TransactionOptions, transaction } from './transaction.ts';

/** `bit_count`, `strategy` of `create database` and jsonpath as used here are there from 15 on. */
export const MIN_SERVER_VERSION = 150_000;
const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 30_000;
const DEFAULT_POOL_SIZE = 10;

/** Ids and counts stay below 2^53, so int8 is a number and not node-postgres' string. */
const INT8 = 20;
pg.types.setTypeParser(INT8, Number);

export interface ConnectOptions {
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** Of a client of its own: statements are sent at once, and answered in their order. */
  readonly pipeline?: boolean;
}

export interface PoolOptions extends ConnectOptions {
  readonly max?: number;
  readonly log?: Log;
  /** Hears how long each taker waited for a connection. */
  readonly onWait?: (waitMs: number) => void;
  /** Runs on each new connection before anybody has it. */
  readonly onConnect?: (client: pg.ClientBase) => Promise<void>;
}

/** What node-postgres has, and its types do not say. */
interface Pipelining {
  readonly pipeline?: boolean;
}

const settings = (
  url: string,
  { applicationName = 'evenkeel', pipeline = false }: ConnectOptions,
): pg.ClientConfig & Pipelining => ({
  ...(pipeline ? { pipeline } : {}),
  connectionString: url,
  // A name in the URL wins, so that whoever runs the service can tell two of them apart.
  fallback_application_name: applicationName,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  keepAlive: true,
});

/**
 * A pool whose connections may be lost at any time without ending the process: node-postgres emits the loss of an idle
 * connection on the pool and that of a busy one on the client, and an `error` event nobody listens to is fatal.
 */
export const openPool = (url: string, options: PoolOptions = {}): pg.Pool => {
  const log = options.log ?? silentLog;
  const pool = new pg.Pool({
    ...settings(url, options),
    max: options.max ?? DEFAULT_POOL_SIZE,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    // pg-pool waits for it, which its types do not say.
    // oxlint-disable-next-line typescript/no-misused-promises
    ...(options.onConnect === undefined ? {} : { onConnect: options.onConnect }),
  });
  pool.on('error', (error) => log.warn({ reason: error.message }, 'an idle database connection was lost'));
  pool.on('connect', (client) =>
    client.on('error', (error) => log.debug({ reason: error.message }, 'a database connection was lost')),
  );
  if (options.onWait !== undefined) timeWaits(pool, options.onWait);
  return pool;
};

type Connect = (done?: (...given: [Error | undefined, ...unknown[]]) => void) => Promise<pg.PoolClient> | undefined;

/** Every way to a connection leads through `connect`, that of `query` with a callback. Those that get none are not timed. */
const timeWaits = (pool: pg.Pool, onWait: (waitMs: number) => void): void => {
  const connect = pool.connect.bind(pool) as Connect;
  const timed: Connect = (done) => {
    const asked = performance.now();
    if (done === undefined)
      return connect()?.then((client) => {
        onWait(performance.now() - asked);
        return client;
      });
    return connect((error, ...given) => {
      if (!error) onWait(performance.now() - asked);
      done(error, ...given);
    });
  };
  pool.connect = timed as pg.Pool['connect'];
};

/**
 * One connected client of its own. Its loss shows in the statement that is running or comes next.
 *
 * @throws what node-postgres gives; see `isConnectionLost`
 */
export const openClient = async (url: string, options: ConnectOptions = {}): Promise<pg.Client> => {
  const client = new pg.Client(settings(url, options));
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return client;
};

/** knex for migrations and plain reads and writes; `destroy()` closes it. */
export const openKnex = (url: string, options: PoolOptions = {}): Knex =>
  knex({
    client: 'pg',
    connection: settings(url, options) as Knex.PgConnectionConfig,
    pool: { min: 0, max: options.max ?? DEFAULT_POOL_SIZE },
    acquireConnectionTimeout: CONNECT_TIMEOUT_MS,
  });

/** Refuses a server that is too old or lacks what text needs (UTF-8, ICU), in one line that says what to do. */
export const checkServer = async (client: pg.ClientBase): Promise<void> => {
  const { rows } = await client.query<{ number: string; version: string; encoding: string; icu: boolean }>(
    `select current_setting('server_version_num') as number, current_setting('server_version') as version,
            current_setting('server_encoding') as encoding,
            exists (select from pg_collation where collname = 'und-x-icu') as icu`,
  );
  const server = rows[0];
  if (server === undefined || Number(server.number) < MIN_SERVER_VERSION)
    throw new EvenkeelError(
      500,
      'unsupported_database',
      `DATABASE_URL is PostgreSQL ${server?.version ?? '?'}: 15 or later is needed`,
      { hint: 'upgrade it, or leave DATABASE_URL unset to use the embedded PostgreSQL' },
    );
  if (server.encoding !== 'UTF8')
    throw new EvenkeelError(500, 'unsupported_database', `the database's encoding is ${server.encoding}, not UTF8`, {
      hint: `create it with: create database … encoding 'UTF8' template template0`,
    });
  if (!server.icu)
    throw new EvenkeelError(500, 'unsupported_database', 'the PostgreSQL server was built without ICU', {
      hint: 'use one that was built with it, as nearly all are: upper and lower case are told by its collation "und-x-icu"',
    });
};
