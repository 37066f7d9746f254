import type pg from 'pg';
import { notFound } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import { isSerializationFailure } from '../database/errors.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { eraseFromIndex } from '../index/erase.ts';
import { notePending } from '../index/pending.ts';
import { ensureProperties } from '../index/catalogue.ts';
import { POPULATION_PATH, shardOf } from '../index/layout.ts';
import { eraseFromLists } from '../index/lists.ts';
import { withFoldLock } from '../index/lock.ts';
import { eraseFromRejected } from './imports/rejected.ts';
import { depart } from './departures.ts';
import { MAX_ERASE_ATTEMPTS } from './limits.ts';

const LOCK_WORKSPACE = sql('ingest-lock-workspace');

/**
 * Removes every trace of a user, whichever of its names is given: row, names (on lists of userIds too), events, keys of messages, what
 * is pending, its bits in the index and in snapshots, lines that imports rejected. The values that nobody else had leave the dictionary with the sweep that this asks for.
 * Who writes the user again afterwards creates another one. An import that still runs may do so.
 *
 * @throws 404 where there is none
 */
export const eraseUser = async (pool: pg.Pool, workspaceId: number, userId: string): Promise<void> => {
  for (let attempt = 1; ; attempt++)
    try {
      return await eraseOnce(pool, workspaceId, userId);
    } catch (error) {
      // snapshots that are removed and lists that are changed at this moment are locked in another order
      if (!isSerializationFailure(error) || attempt >= MAX_ERASE_ATTEMPTS) throw error;
    }
};

const eraseOnce = async (pool: pg.Pool, workspaceId: number, userId: string): Promise<void> => {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const names = await withFoldLock(client, workspaceId, () =>
      transaction(client, () => erase(client, workspaceId, userId)),
    );
    await eraseFromImports(client, workspaceId, names);
  } catch (error) {
    // an unlocked connection must not go back; a locked one neither
    if (!(error instanceof Error && error.name === 'EvenkeelError')) broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
};

/** Gives the user's names. */
const erase = async (client: pg.PoolClient, workspaceId: number, userId: string): Promise<string[]> => {
  await client.query(LOCK_WORKSPACE, [workspaceId]);
  const found = await client.query<{ ordinal: number }>(
    'select ordinal from user_keys where workspace_id = $1::integer and external_id = $2::text',
    [workspaceId, userId],
  );
  const ordinal = found.rows[0]?.ordinal;
  if (ordinal === undefined) throw notFound(`user ${quote(userId)}`);
  const place = [shardOf(workspaceId, ordinal), ordinal];
  // first of all: whoever is writing to this user ends before, or finds it gone
  await client.query('delete from users where shard = $1::bigint and ordinal = $2::integer', place);
  for (const table of ['events', 'message_keys', 'pending_properties', 'pending_events'])
    await client.query(`delete from ${table} where shard = $1::bigint and ordinal = $2::integer`, place);
  const names = await client.query<{ external_id: string }>(
    'delete from user_keys where workspace_id = $1::integer and ordinal = $2::integer returning external_id',
    [workspaceId, ordinal],
  );
  const erased = names.rows.map((row) => row.external_id);
  await eraseFromLists(client, workspaceId, erased);
  await eraseFromIndex(client, shardOf(workspaceId, ordinal), ordinal);
  await noteDeparture(client, workspaceId, ordinal);
  await depart(client, workspaceId, ordinal, null);
  await client.query('update workspaces set sweep_requested_at = clock_timestamp() where id = $1::integer', [
    workspaceId,
  ]);
  return erased;
};

/** The index knows already; schedules must see that something has changed once this is committed (decision 0023). */
const noteDeparture = async (db: Queryable, workspaceId: number, ordinal: number): Promise<void> => {
  const properties = await ensureProperties(db, workspaceId, [POPULATION_PATH]);
  const marks = [...properties.values()].map((propertyId) => ({
    shard: shardOf(workspaceId, ordinal),
    propertyId,
    ordinal,
  }));
  await notePending(db, { properties: marks });
};

/** Lines that an import rejected are kept in files of this machine. */
const eraseFromImports = async (
  client: pg.PoolClient,
  workspaceId: number,
  names: readonly string[],
): Promise<void> => {
  const { rows } = await client.query<{ path: string; format: 'csv' | 'ndjson' }>(
    `select path, format from imports where workspace_id = $1::integer and rejected > 0 and state in ('succeeded', 'failed')`,
    [workspaceId],
  );
  for (const { path, format } of rows) await eraseFromRejected(path, format, names);
};
