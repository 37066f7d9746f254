import pg from 'pg';

export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

export interface TransactionOptions {
  readonly isolation?: Isolation;
  readonly readOnly?: boolean;
  /** Takes its snapshot at once, and not with its first statement. */
  readonly snapshot?: boolean;
}

const BEGIN: Record<Isolation, string> = {
  'read committed': 'begin isolation level read committed',
  'repeatable read': 'begin isolation level repeatable read',
  serializable: 'begin isolation level serializable',
};

const run = async <T, C extends pg.ClientBase>(
  client: C,
  work: (client: C) => Promise<T>,
  options: TransactionOptions,
): Promise<T> => {
  const begin = `${BEGIN[options.isolation ?? 'read committed']}${options.readOnly === true ? ' read only' : ''}`;
  await client.query(options.snapshot === true ? `${begin}; select` : begin);
  const result = await work(client);
  // A transaction that a swallowed error has aborted answers `commit` with ROLLBACK and no error.
  const { command } = await client.query('commit');
  if (command !== 'COMMIT') throw new Error('the transaction was rolled back: a statement in it had failed');
  return result;
};

/**
 * Runs `work` in one transaction and commits it; rolls back where it throws. A pool's connection always goes back, and is
 * destroyed where it could not be rolled back, so that nobody inherits an open transaction.
 */
export function transaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  options?: TransactionOptions,
): Promise<T>;
export function transaction<T, C extends pg.ClientBase>(
  client: C,
  work: (client: C) => Promise<T>,
  options?: TransactionOptions,
): Promise<T>;
export async function transaction<T>(
  source: pg.Pool | pg.ClientBase,
  work: (client: never) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const pooled = source instanceof pg.Pool ? await source.connect() : undefined;
  const client = pooled ?? (source as pg.ClientBase);
  let broken: Error | undefined;
  try {
    return await run(client, work as (client: pg.ClientBase) => Promise<T>, options);
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    pooled?.release(broken);
  }
}
