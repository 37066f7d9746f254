import { tooLarge } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { POPULATION_PATH, shardOf } from '../index/layout.ts';
import { depart } from './departures.ts';
import { MAX_USER_PROPERTIES_BYTES } from './limits.ts';
import { markListed } from './listed.ts';
import type { AliasOperation } from './operations.ts';
import { bigints, integers } from '../database/arrays.ts';
import { eachChange, eachPath, mergePatch, type Properties } from './properties.ts';
import { applyStretch, type GroupContext, type Item, UserGone } from './stretch.ts';

const LOCK_USERS = sql('ingest-lock-users');
const MOVE_EVENTS = sql('ingest-alias-events');
const MOVE_KEYS = sql('ingest-alias-keys');
const ADD_NAME =
  'insert into user_keys (workspace_id, external_id, ordinal) values ($1::integer, $2::text, $3::integer)';
const RENAME = 'update users set external_id = $3::text where shard = $1::bigint and ordinal = $2::integer';

interface AliasContext extends GroupContext {
  /** The workspace has lists of userIds. */
  readonly hasLists: boolean;
}

/**
 * Makes `previousId` another name of `userId`. Where both were users they become one, that of `userId`: properties merged, its
 * own values first, with the events of both. Where only `previousId` was one it is called `userId` from now on. Applying it
 * again changes nothing. The caller holds the lock on the workspace, so that names do not change meanwhile.
 *
 * No bitmap is touched: the marks make the next fold find the old user gone and the other one changed.
 */
export const applyAlias = async (
  db: Queryable,
  context: AliasContext,
  { request, operation }: Item<AliasOperation>,
): Promise<void> => {
  const { workspaceId } = context;
  const { userId, previousId } = operation;
  const found = await findNames(db, workspaceId, [userId, previousId]);
  const to = found.get(userId);
  const from = found.get(previousId);
  if (to === undefined && from !== undefined) {
    await addName(db, context, userId, from);
    await db.query(RENAME, [shardOf(workspaceId, from), from, userId]);
  } else if (to !== undefined && from !== undefined) {
    if (to !== from) await merge(db, context, request, userId, from, to);
  } else if (userId !== previousId || to === undefined) {
    const nothing = { kind: 'merge', userId, patch: {}, bytes: 0 } as const;
    await applyStretch(db, context, [{ request, operation: nothing }]);
    const ordinal = to ?? (await findNames(db, workspaceId, [userId])).get(userId);
    if (ordinal === undefined) throw new Error('a user who was just created is not there');
    if (userId !== previousId) await addName(db, context, previousId, ordinal);
  }
};

const addName = async (db: Queryable, context: AliasContext, name: string, ordinal: number): Promise<void> => {
  await db.query(ADD_NAME, [context.workspaceId, name, ordinal]);
  if (context.hasLists) await markListed(db, context, new Map([[name, [ordinal]]]));
};

const findNames = async (
  db: Queryable,
  workspaceId: number,
  names: readonly string[],
): Promise<Map<string, number>> => {
  const { rows } = await db.query<{ external_id: string; ordinal: number }>(
    'select external_id, ordinal from user_keys where workspace_id = $1::integer and external_id = any($2::text[])',
    [workspaceId, names],
  );
  return new Map(rows.map(({ external_id, ordinal }) => [external_id, ordinal]));
};

const merge = async (
  db: Queryable,
  context: AliasContext,
  request: number,
  userId: string,
  from: number,
  to: number,
): Promise<void> => {
  const { workspaceId, marks } = context;
  const shards = { from: shardOf(workspaceId, from), to: shardOf(workspaceId, to) };
  const { rows } = await db.query<{ ordinal: number; properties: string }>(LOCK_USERS, [
    bigints([shards.from, shards.to]),
    integers([from, to]),
    integers([1, 1]),
  ]);
  const properties = new Map(rows.map((row) => [row.ordinal, JSON.parse(row.properties) as Properties]));
  const old = properties.get(from);
  const own = properties.get(to);
  if (old === undefined || own === undefined) throw new UserGone();
  const merged = mergePatch(old, own);
  const text = JSON.stringify(merged);
  if (Buffer.byteLength(text) > MAX_USER_PROPERTIES_BYTES) {
    context.refused.set(
      request,
      tooLarge(
        `the properties of the two users that ${quote(userId)} would become take more than ${MAX_USER_PROPERTIES_BYTES / 1024} KiB`,
      ),
    );
    return;
  }
  eachChange(own, merged, (path) => marks.property(shards.to, to, path));
  eachPath(old, (path) => marks.property(shards.from, from, path));
  marks.property(shards.from, from, POPULATION_PATH);
  const places = [shards.from, from, shards.to, to];
  const moved = await db.query<{ event_id: number; day: number }>(MOVE_EVENTS, places);
  for (const { event_id, day } of moved.rows) {
    marks.event(shards.from, from, event_id, day);
    marks.event(shards.to, to, event_id, day);
  }
  await db.query(MOVE_KEYS, places);
  await depart(db, workspaceId, from, to);
  const names = await db.query<{ external_id: string }>(
    `update user_keys set ordinal = $3::integer where workspace_id = $1::integer and ordinal = $2::integer
     returning external_id`,
    [workspaceId, from, to],
  );
  if (context.hasLists)
    await markListed(db, context, new Map(names.rows.map(({ external_id }) => [external_id, [from, to]])));
  await db.query('delete from users where shard = $1::bigint and ordinal = $2::integer', [shards.from, from]);
  await db.query(
    'update users set properties = $3::jsonb, updated_at = clock_timestamp() where shard = $1::bigint and ordinal = $2::integer',
    [shards.to, to, text],
  );
};
