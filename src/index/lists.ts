import type pg from 'pg';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { emptyBitmap, setBit } from './bitmap.ts';
import { CHUNK_BITS, EVERY_ORDINAL, offsetOf, ordinalAt } from './layout.ts';
import { notePending } from './pending.ts';
import { eachRow } from './stream.ts';

/** Lists of userIds (migrations/0008_lists.sql): who of the users stands on them, by any of their names. */

const LISTED_FEW = sql('index-listed-few');
const LISTED_MANY = sql('index-listed-many');
const LISTED_OF = sql('index-listed-of');
const LISTING = sql('index-listing');
const SHARDS = sql('index-shards');
const ERASE = sql('index-erase-list-ids');

/** A list of at most so many names is looked up among the users, and not the users of a whole chunk on the list. */
const FEW_IDS = CHUNK_BITS / 4;

/**
 * Who of a chunk's users stands on a list, as the rows say.
 *
 * @param ordinals only these users; undefined: all of the chunk
 */
export const listedUsers = async (
  client: pg.ClientBase,
  workspaceId: number,
  shard: number,
  listId: number,
  ordinals: readonly number[] | undefined,
): Promise<Buffer> => {
  const listed = emptyBitmap();
  const take = ([ordinal]: readonly (string | number | null)[]): void => setBit(listed, offsetOf(ordinal as number));
  if (ordinals !== undefined) {
    await eachRow(client, LISTED_OF, [workspaceId, listId, ordinals], take);
    return listed;
  }
  const { rows } = await client.query<{ ids: number }>('select ids from lists where id = $1::integer', [listId]);
  const text = (rows[0]?.ids ?? 0) <= FEW_IDS ? LISTED_FEW : LISTED_MANY;
  await eachRow(client, text, [workspaceId, listId, ordinalAt(shard, 0), ordinalAt(shard, CHUNK_BITS - 1)], take);
  return listed;
};

/**
 * By name: the lists that hold it, as far as some do. Whoever gives a name to a user asks this with the workspace's row locked,
 * which who changes a list locks too: so one of the two sees what the other has done.
 */
export const listsHolding = async (
  db: Queryable,
  workspaceId: number,
  names: readonly string[],
): Promise<Map<string, number[]>> => {
  const lists = new Map<string, number[]>();
  const { rows } = await db.query<{ external_id: string; list_id: number }>(LISTING, [workspaceId, names]);
  for (const { external_id, list_id } of rows) {
    const known = lists.get(external_id);
    if (known) known.push(list_id);
    else lists.set(external_id, [list_id]);
  }
  return lists;
};

/** Ids of which a chunk has so many on average are not looked up one by one: all users of the workspace may be touched. */
const MAX_CHANGED_A_CHUNK = 100;

/**
 * Notes as pending those users whose names `changed_ids` (sql/lists-changed.sql) has of a list. Holds the workspace's row, so
 * that nobody gets a name meanwhile, and therefore must be quick: 300 ms for 31,000 ids at 10,000,000 users.
 */
export const noteListChange = async (
  db: Queryable,
  workspaceId: number,
  list: { readonly id: number; readonly propertyId: number },
  changed: number,
): Promise<void> => {
  const { rows: shards } = await db.query<{ shard: number }>(SHARDS, [workspaceId]);
  const { propertyId } = list;
  if (changed > MAX_CHANGED_A_CHUNK * shards.length) {
    await notePending(db, {
      properties: shards.map(({ shard }) => ({ shard, propertyId, ordinal: EVERY_ORDINAL })),
    });
    return;
  }
  const { rows } = await db.query<{ shard: number; ordinal: number }>(
    `select (k.workspace_id::bigint << 20) | (k.ordinal / ${CHUNK_BITS}) as shard, k.ordinal
     from changed_ids c
     cross join lateral (
       select workspace_id, ordinal from user_keys
       where workspace_id = $1::integer and external_id = c.external_id offset 0
     ) k
     where c.list_id = $2::integer`,
    [workspaceId, list.id],
  );
  await notePending(db, { properties: rows.map((row) => ({ ...row, propertyId })) });
};

/** Takes names off every list of the workspace. */
export const eraseFromLists = async (db: Queryable, workspaceId: number, names: readonly string[]): Promise<void> => {
  await db.query(ERASE, [workspaceId, names]);
};
