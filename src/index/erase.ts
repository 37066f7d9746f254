import type pg from 'pg';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { isEmptyBitmap, offsetsOf, parseSentBits } from './bitmap.ts';
import { offsetOf, shardRange } from './layout.ts';
import { withFoldLock } from './lock.ts';
import { eachRow } from './stream.ts';

const ERASE_SLICES = sql('index-erase-slices');
const ERASE_EVENT_SLICES = sql('index-erase-event-slices');

/**
 * Clears the bits of one user in every bitmap of the index. In a transaction of the caller, who holds the fold lock and
 * deletes the user's rows in it.
 */
export const eraseFromIndex = async (db: Queryable, shard: number, ordinal: number): Promise<void> => {
  const offset = offsetOf(ordinal);
  await db.query('update chunks set users = set_bit(users, $2::integer, 0) where shard = $1::bigint', [shard, offset]);
  const slices = await db.query<{ column_id: number; slice: number }>(ERASE_SLICES, [shard, offset]);
  if (slices.rows.length > 0)
    await db.query(
      `delete from slices where shard = $1::bigint
       and (column_id, slice) in (select * from unnest($2::integer[], $3::integer[]))`,
      [shard, slices.rows.map((row) => row.column_id), slices.rows.map((row) => row.slice)],
    );
  const events = await db.query<{ event_id: number; period: number; number: number; slice: number }>(
    ERASE_EVENT_SLICES,
    [shard, offset],
  );
  if (events.rows.length > 0)
    await db.query(
      `delete from event_slices where shard = $1::bigint and (event_id, period, number, slice) in
         (select * from unnest($2::integer[], $3::smallint[], $4::integer[], $5::smallint[]))`,
      [
        shard,
        events.rows.map((row) => row.event_id),
        events.rows.map((row) => row.period),
        events.rows.map((row) => row.number),
        events.rows.map((row) => row.slice),
      ],
    );
};

/** Codes a statement. */
const DELETE_BATCH = 10_000;

/**
 * Removes the dictionary's values that nobody has any more, column by column, each in a transaction of its own under the fold
 * lock: what erased users had must not stay. Gives how many. To be called outside a transaction.
 */
export const sweepDictionary = async (client: pg.ClientBase, workspaceId: number): Promise<number> => {
  const { rows } = await client.query<{ id: number; type: 'text' | 'array' }>(
    `select id, type from columns
     where workspace_id = $1::integer and type in ('text', 'array') and next_code > 0 order by id`,
    [workspaceId],
  );
  let removed = 0;
  for (const column of rows)
    removed += await withFoldLock(client, workspaceId, () =>
      transaction(client, () => sweepColumn(client, workspaceId, column), { isolation: 'repeatable read' }),
    );
  return removed;
};

const sweepColumn = async (
  client: pg.ClientBase,
  workspaceId: number,
  column: { readonly id: number; readonly type: 'text' | 'array' },
): Promise<number> => {
  const state = await client.query<{ next_code: number }>('select next_code from columns where id = $1::integer', [
    column.id,
  ]);
  const used = new Uint8Array(state.rows[0]?.next_code ?? 0);
  const shards = shardRange(workspaceId);
  if (column.type === 'array') await markElements(client, column.id, shards, used);
  else await markTexts(client, column.id, workspaceId, used);
  const unused: number[] = [];
  await eachRow(client, 'select code from dictionary where column_id = $1::integer', [column.id], ([code]) => {
    if (used[code as number] !== 1) unused.push(code as number);
  });
  for (let at = 0; at < unused.length; at += DELETE_BATCH)
    await client.query('delete from dictionary where column_id = $1::integer and code = any($2::integer[])', [
      column.id,
      unused.slice(at, at + DELETE_BATCH),
    ]);
  return unused.length;
};

const markElements = async (
  client: Queryable,
  columnId: number,
  [first, last]: readonly [number, number],
  used: Uint8Array,
): Promise<void> => {
  const { rows } = await client.query<{ slice: number }>(
    'select distinct slice from slices where shard between $1::bigint and $2::bigint and column_id = $3::integer',
    [first, last, columnId],
  );
  for (const { slice } of rows) used[slice] = 1;
};

const markTexts = async (client: Queryable, columnId: number, workspaceId: number, used: Uint8Array): Promise<void> => {
  const shards = await client.query<{ shard: number }>(
    'select shard from chunks where workspace_id = $1::integer order by shard',
    [workspaceId],
  );
  for (const { shard } of shards.rows) {
    const { rows } = await client.query<{ slice: number; bits: Buffer }>(
      'select slice, bit_send(bits) as bits from slices where shard = $1::bigint and column_id = $2::integer',
      [shard, columnId],
    );
    const slices = new Map(rows.map(({ slice, bits }) => [slice, parseSentBits(bits)]));
    for (const code of codesOf(slices)) used[code] = 1;
  }
};

/** The codes that users of a chunk have, from the slices of its text column. */
export const codesOf = (slices: ReadonlyMap<number, Buffer>): number[] => {
  const presence = slices.get(-1);
  if (presence === undefined || isEmptyBitmap(presence)) return [];
  const codes = new Map<number, number>();
  for (const offset of offsetsOf(presence)) codes.set(offset, 0);
  for (const [slice, bits] of slices) {
    if (slice < 0) continue;
    for (const offset of offsetsOf(bits)) codes.set(offset, (codes.get(offset) ?? 0) + 2 ** slice);
  }
  return [...codes.values()];
};
