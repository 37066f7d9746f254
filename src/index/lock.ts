import type { Queryable } from '../database/port.ts';

/** First key of the advisory lock, the workspace is the second: whoever holds it may change the workspace's bitmaps. */
export const FOLD_LOCK_CLASS = 0x666f6c64;
const UNLOCK_ATTEMPTS = 3;

/**
 * Runs `work` as the only one that changes the bitmaps of the workspace. To be called outside a transaction: the one that
 * `work` begins must be younger than the last holder's commit. The lock goes with the connection.
 */
export const withFoldLock = async <T>(client: Queryable, workspaceId: number, work: () => Promise<T>): Promise<T> => {
  await client.query('select pg_advisory_lock($1::integer, $2::integer)', [FOLD_LOCK_CLASS, workspaceId]);
  try {
    return await work();
  } finally {
    await unlock(client, workspaceId);
  }
};

/**
 * Takes the lock until the end of the transaction if nobody has it. In `read committed` each later statement sees what the last
 * holder has committed. Never waits, as whoever holds the lock may wait for what this transaction has locked.
 */
export const tryFoldLock = async (client: Queryable, workspaceId: number): Promise<boolean> => {
  const { rows } = await client.query<{ taken: boolean }>(
    'select pg_try_advisory_xact_lock($1::integer, $2::integer) as taken',
    [FOLD_LOCK_CLASS, workspaceId],
  );
  return rows[0]?.taken === true;
};

/** A cancellation that comes late may hit the unlocking; a lost connection has let go of the lock by itself. */
const unlock = async (client: Queryable, workspaceId: number): Promise<void> => {
  for (let attempt = 1; attempt <= UNLOCK_ATTEMPTS; attempt++) {
    try {
      await client.query('select pg_advisory_unlock($1::integer, $2::integer)', [FOLD_LOCK_CLASS, workspaceId]);
      return;
    } catch {}
  }
};
