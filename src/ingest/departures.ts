import type pg from 'pg';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { DEPARTURES_A_TURN } from './limits.ts';
import { eraseFromSnapshots, moveInSnapshots } from './snapshots.ts';

const LOCK_WORKSPACE = sql('ingest-lock-workspace');
const AWAIT = sql('ingest-await-departures');
const SETTLED = sql('ingest-settled-departures');
const NOTE = 'insert into departures (workspace_id, ordinal, became) values ($1::integer, $2::integer, $3::integer)';

/** Takes a user who goes out of all snapshots, or puts who it became (`to`) in its place. */
const leaveSnapshots = (db: Queryable, workspaceId: number, from: number, to: number | null): Promise<void> =>
  to === null ? eraseFromSnapshots(db, workspaceId, from) : moveInSnapshots(db, workspaceId, from, to);

/**
 * To be called where a user is erased (`to` is null) or merged into another, with the workspace's row locked: its bits leave the
 * snapshots that there are, and it is noted for those that running calculations have still to commit.
 */
export const depart = async (db: Queryable, workspaceId: number, from: number, to: number | null): Promise<void> => {
  await db.query(NOTE, [workspaceId, from, to]);
  await leaveSnapshots(db, workspaceId, from, to);
};

/**
 * Takes those who went out of the snapshots of calculations that did not see them go. Exact, since
 *
 * - such a calculation was claimed before the departure was committed, so whoever sees the departure sees the
 *   calculation running, or ended and with it its snapshot. It is among those `awaited`, which are noted when the departure is first
 *   seen, and once none of them runs all snapshots that may hold the bit are there;
 * - whoever begins later does not have the bit, as ordinals are never given again;
 * - departures are applied in their order, under the lock that erasing and merging hold; a second time changes nothing.
 *
 * Gives how many are left, for a later turn.
 */
export const settleDepartures = async (client: pg.ClientBase, workspaceId: number): Promise<number> => {
  for (;;) {
    const settled = await transaction(client, () => settle(client, workspaceId));
    if (settled < DEPARTURES_A_TURN) break;
  }
  const { rows } = await client.query<{ left: number }>(
    'select count(*)::integer as left from departures where workspace_id = $1::integer',
    [workspaceId],
  );
  return rows[0]?.left ?? 0;
};

const settle = async (db: Queryable, workspaceId: number): Promise<number> => {
  await db.query(LOCK_WORKSPACE, [workspaceId]);
  await db.query(AWAIT, [workspaceId]);
  const { rows } = await db.query<{ id: number; ordinal: number; became: number | null }>(SETTLED, [
    workspaceId,
    DEPARTURES_A_TURN,
  ]);
  for (const { ordinal, became } of rows) await leaveSnapshots(db, workspaceId, ordinal, became);
  if (rows.length > 0)
    await db.query('delete from departures where workspace_id = $1::integer and id = any($2::bigint[])', [
      workspaceId,
      rows.map(({ id }) => id),
    ]);
  return rows.length;
};
