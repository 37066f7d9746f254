import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { offsetOf, shardOf } from '../index/layout.ts';

const TAKE = sql('ingest-take-snapshot-bits');
const GIVE = sql('ingest-give-snapshot-bits');
const FEWER = sql('ingest-fewer-members');

const take = async (db: Queryable, workspaceId: number, ordinal: number): Promise<number[]> => {
  const { rows } = await db.query<{ snapshot_id: number }>(TAKE, [shardOf(workspaceId, ordinal), offsetOf(ordinal)]);
  return rows.map((row) => row.snapshot_id);
};

const fewer = async (db: Queryable, snapshots: readonly number[]): Promise<void> => {
  if (snapshots.length > 0) await db.query(FEWER, [snapshots]);
};

/** Takes a user out of all snapshots, whose counts then tell so. */
export const eraseFromSnapshots = async (db: Queryable, workspaceId: number, ordinal: number): Promise<void> =>
  fewer(db, await take(db, workspaceId, ordinal));

/** The one user that two have become is a member wherever one of them was. */
export const moveInSnapshots = async (db: Queryable, workspaceId: number, from: number, to: number): Promise<void> => {
  const snapshots = await take(db, workspaceId, from);
  if (snapshots.length === 0) return;
  const { rows } = await db.query<{ snapshot_id: number }>(GIVE, [shardOf(workspaceId, to), offsetOf(to), snapshots]);
  await fewer(
    db,
    rows.map((row) => row.snapshot_id),
  );
};
