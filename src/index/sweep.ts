import type pg from 'pg';
import type { Queryable } from '../database/port.ts';
import { transaction } from '../database/transaction.ts';
import { offsetsOf, parseSentBits } from './bitmap.ts';
import { CHUNK_BITS, PRESENCE_SLICE, shardRange } from './layout.ts';
import { withFoldLock } from './lock.ts';
import { eachRow } from './stream.ts';

/** Codes a statement. */
const DELETE_BATCH = 10_000;

interface Swept {
  readonly id: number;
  readonly type: 'text' | 'array';
}

/**
 * Removes the dictionary's values that nobody has any more: what erased users had must not stay. Column by column; what looks
 * unused is found without the fold lock, and removed under it as far as it still is. Gives how many. To be called outside a
 * transaction.
 */
export const sweepDictionary = async (client: pg.ClientBase, workspaceId: number): Promise<number> => {
  const { rows } = await client.query<Swept>(
    `select id, type from columns
     where workspace_id = $1::integer and type in ('text', 'array') and next_code > 0 order by id`,
    [workspaceId],
  );
  const isolation = 'repeatable read';
  let removed = 0;
  for (const column of rows) {
    const unused = await transaction(client, () => findUnused(client, workspaceId, column), {
      isolation,
      readOnly: true,
    });
    if (unused.length === 0) continue;
    removed += await withFoldLock(client, workspaceId, () =>
      transaction(client, () => removeUnused(client, workspaceId, column, unused), { isolation }),
    );
  }
  return removed;
};

const findUnused = async (client: pg.ClientBase, workspaceId: number, column: Swept): Promise<number[]> => {
  const used = await usedCodes(client, workspaceId, column);
  const unused: number[] = [];
  await eachRow(client, 'select code from dictionary where column_id = $1::integer', [column.id], ([code]) => {
    if (used[code as number] !== 1) unused.push(code as number);
  });
  return unused;
};

/** Meanwhile somebody may have come to have one of the values again. */
const removeUnused = async (
  client: Queryable,
  workspaceId: number,
  column: Swept,
  candidates: readonly number[],
): Promise<number> => {
  const used = await usedCodes(client, workspaceId, column);
  const unused = candidates.filter((code) => used[code] !== 1);
  for (let at = 0; at < unused.length; at += DELETE_BATCH)
    await client.query('delete from dictionary where column_id = $1::integer and code = any($2::integer[])', [
      column.id,
      unused.slice(at, at + DELETE_BATCH),
    ]);
  return unused.length;
};

/** A 1 for each code that somebody has. */
const usedCodes = async (client: Queryable, workspaceId: number, column: Swept): Promise<Uint8Array> => {
  const { rows } = await client.query<{ next_code: number }>('select next_code from columns where id = $1::integer', [
    column.id,
  ]);
  const used = new Uint8Array(rows[0]?.next_code ?? 0);
  if (column.type === 'array') await markElements(client, workspaceId, column.id, used);
  else await markTexts(client, workspaceId, column.id, used);
  return used;
};

const markElements = async (
  client: Queryable,
  workspaceId: number,
  columnId: number,
  used: Uint8Array,
): Promise<void> => {
  const { rows } = await client.query<{ slice: number }>(
    'select distinct slice from slices where shard between $1::bigint and $2::bigint and column_id = $3::integer',
    [...shardRange(workspaceId), columnId],
  );
  for (const { slice } of rows) used[slice] = 1;
};

const markTexts = async (client: Queryable, workspaceId: number, columnId: number, used: Uint8Array): Promise<void> => {
  const shards = await client.query<{ shard: number }>(
    'select shard from chunks where workspace_id = $1::integer order by shard',
    [workspaceId],
  );
  const codes = new Int32Array(CHUNK_BITS);
  for (const { shard } of shards.rows) {
    const { rows } = await client.query<{ slice: number; bits: Buffer }>(
      'select slice, bit_send(bits) as bits from slices where shard = $1::bigint and column_id = $2::integer',
      [shard, columnId],
    );
    codes.fill(0);
    let present: Buffer | undefined;
    for (const { slice, bits } of rows) {
      const bitmap = parseSentBits(bits);
      if (slice === PRESENCE_SLICE) present = bitmap;
      else for (const offset of offsetsOf(bitmap)) codes[offset] = (codes[offset] as number) | (1 << slice);
    }
    if (present) for (const offset of offsetsOf(present)) used[codes[offset] as number] = 1;
  }
};
