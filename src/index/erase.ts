import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { eraseFromKept } from './kept.ts';
import { offsetOf, TEXTS_A_PART } from './layout.ts';

export { sweepDictionary } from './sweep.ts';

const ERASE_SLICES = sql('index-erase-slices');
const ERASE_TEXTS = sql('index-erase-texts');
const ERASE_EVENT_SLICES = sql('index-erase-event-slices');

/**
 * Clears the bits of one user in every bitmap of the index, and his texts. In a transaction of the caller, who holds the fold lock and
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
  await db.query(ERASE_TEXTS, [shard, Math.floor(offset / TEXTS_A_PART), offset % TEXTS_A_PART]);
  await eraseFromKept(db, shard, offset);
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
