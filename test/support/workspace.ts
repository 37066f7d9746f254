import type { Queryable } from '../../src/database/port.ts';

/** Small helpers over one workspace's tables, by plain SQL. */

const CHUNK_BITS = 32_000;

export const createWorkspace = async (db: Queryable, name: string): Promise<number> => {
  const { rows } = await db.query<{ id: number }>('insert into workspaces (name) values ($1) returning id', [name]);
  return Number(rows[0]?.id);
};

/** The next user gets this ordinal: lets a few users span several chunks. */
export const continueOrdinalsAt = async (db: Queryable, workspaceId: number, ordinal: number): Promise<void> => {
  await db.query('update workspaces set next_ordinal = greatest(next_ordinal, $2) where id = $1', [
    workspaceId,
    ordinal,
  ]);
};

/** Stores a condition under a key as its owner would, without the service; null makes a static segment. */
export const defineSegment = async (
  db: Queryable,
  workspaceId: number,
  key: string,
  condition: unknown,
): Promise<void> => {
  await db.query(
    `insert into segments (workspace_id, key, name, type, condition)
     values ($1, $2, $2, case when $3::jsonb is null then 'static' else 'dynamic' end, $3::jsonb)
     on conflict (workspace_id, key) do update set condition = excluded.condition,
       version = segments.version + (excluded.condition is distinct from segments.condition)::integer`,
    [workspaceId, key, condition === null ? null : JSON.stringify(condition)],
  );
};

/** External ids behind the bits of a snapshot, sorted, and how many bits it has in all. */
export const snapshotMembers = async (
  db: Queryable,
  snapshotId: number,
): Promise<{ readonly members: string[]; readonly bits: number }> => {
  const { rows } = await db.query<{ external_id: string }>(
    `select u.external_id from snapshot_chunks s join users u on u.shard = s.shard
     where s.snapshot_id = $1 and get_bit(s.bits, u.ordinal % ${CHUNK_BITS}) = 1`,
    [snapshotId],
  );
  const total = await db.query<{ bits: string }>(
    'select coalesce(sum(bit_count(bits)), 0)::text as bits from snapshot_chunks where snapshot_id = $1',
    [snapshotId],
  );
  return { members: rows.map((row) => row.external_id).sort(), bits: Number(total.rows[0]?.bits) };
};

export const propertiesOf = async (
  db: Queryable,
  workspaceId: number,
): Promise<Map<string, { readonly ordinal: number; readonly properties: unknown }>> => {
  const { rows } = await db.query<{ external_id: string; ordinal: number; properties: unknown }>(
    `select external_id, ordinal, properties from users where shard >= $1::bigint * 1048576 and shard < ($1::bigint + 1) * 1048576`,
    [workspaceId],
  );
  return new Map(rows.map((row) => [row.external_id, row]));
};

/** Rows that the bitmaps do not know yet. */
export const pendingCount = async (db: Queryable, workspaceId: number): Promise<number> => {
  const { rows } = await db.query<{ n: string }>(
    `select (select count(*) from pending_properties where shard >= $1::bigint * 1048576 and shard < ($1::bigint + 1) * 1048576)
          + (select count(*) from pending_events where shard >= $1::bigint * 1048576 and shard < ($1::bigint + 1) * 1048576) as n`,
    [workspaceId],
  );
  return Number(rows[0]?.n);
};
