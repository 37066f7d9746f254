import type pg from 'pg';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { foldEventMonth } from './fold-events.ts';
import { PropertyFold, type PropertyWork } from './fold-properties.ts';
import { POPULATION_PATH, shardRange } from './layout.ts';
import { withFoldLock } from './lock.ts';

export { FOLD_LOCK_CLASS, withFoldLock } from './lock.ts';

const PENDING_SHARDS = sql('index-pending-shards');
const PENDING_MARKS = sql('index-pending-marks');
const TAKE_PROPERTIES = sql('index-take-properties');
const TAKE_EVENTS = sql('index-take-events');
const MARK_CHANGED = sql('index-mark-changed');

/** Users of one shard and property (or event and month) from which on every user is folded. */
const MAX_TOUCHED = 2_000;

/** What is to be fresh. The population always is. */
export interface FoldScope {
  readonly workspaceId: number;
  readonly propertyIds: readonly number[] | 'all';
  readonly eventIds: readonly number[] | 'all';
  /** Left out: every shard of the workspace. */
  readonly shards?: readonly number[];
}

const idsOf = (ids: readonly number[] | 'all'): readonly number[] | null => (ids === 'all' ? null : ids);

const pendingShards = async (db: Queryable, scope: FoldScope, propertyIds = idsOf(scope.propertyIds)) => {
  const { rows } = await db.query<{ shard: number }>(PENDING_SHARDS, [
    ...shardRange(scope.workspaceId),
    propertyIds,
    idsOf(scope.eventIds),
    scope.shards ?? null,
  ]);
  return rows.map(({ shard }) => shard);
};

/** The paths of the scope's properties, and of the population, by id. */
const pathsOf = async (db: Queryable, { workspaceId, propertyIds }: FoldScope): Promise<Map<number, string>> => {
  const { rows } = await db.query<{ id: number; path: string }>(
    `select id, path from properties
     where workspace_id = $1::integer and ($2::integer[] is null or id = any($2::integer[]) or path = $3)`,
    [workspaceId, idsOf(propertyIds), POPULATION_PATH],
  );
  return new Map(rows.map(({ id, path }) => [id, path]));
};

/**
 * Brings into the bitmaps what is pending in the scope, as this transaction sees it: afterwards they equal the rows of its
 * snapshot. Takes exactly the pending rows that it sees; what is noted meanwhile stays. Properties and events of which something was
 * taken are marked as changed, so that a schedule knows what it need not calculate again.
 *
 * To be called under the workspace's fold lock, in a repeatable-read transaction that began after the lock was taken.
 */
export const fold = async (client: pg.ClientBase, scope: FoldScope): Promise<void> => {
  const paths = await pathsOf(client, scope);
  const propertyIds = scope.propertyIds === 'all' ? null : [...paths.keys()];
  const properties = new PropertyFold(client, scope.workspaceId);
  const changed = { properties: new Set<number>(), events: new Set<number>() };
  for (const shard of await pendingShards(client, scope, propertyIds)) {
    const works = await takeProperties(client, shard, propertyIds, paths);
    if (works.length > 0) await properties.foldShard(shard, works);
    for (const { propertyId } of works) changed.properties.add(propertyId);
    for (const eventId of await foldEvents(client, shard, idsOf(scope.eventIds))) changed.events.add(eventId);
  }
  await properties.finish();
  if (changed.properties.size + changed.events.size > 0)
    await client.query(MARK_CHANGED, [[...changed.properties], [...changed.events]]);
};

const takeProperties = async (
  client: pg.ClientBase,
  shard: number,
  propertyIds: readonly number[] | null,
  paths: ReadonlyMap<number, string>,
): Promise<PropertyWork[]> => {
  const { rows } = await client.query<{ property_id: number; ordinals: number[] | null }>(TAKE_PROPERTIES, [
    shard,
    propertyIds,
    MAX_TOUCHED,
  ]);
  return rows.flatMap(({ property_id, ordinals }) => {
    const path = paths.get(property_id);
    // a list that went with its segment
    return path === undefined ? [] : [{ propertyId: property_id, path, ordinals: ordinals ?? undefined }];
  });
};

/** Gives the events that had something pending. */
const foldEvents = async (
  client: pg.ClientBase,
  shard: number,
  eventIds: readonly number[] | null,
): Promise<number[]> => {
  if (eventIds?.length === 0) return [];
  const { rows } = await client.query<{ event_id: number; month: number; ordinals: number[] | null }>(TAKE_EVENTS, [
    shard,
    eventIds,
    MAX_TOUCHED,
  ]);
  for (const { event_id, month, ordinals } of rows)
    await foldEventMonth(client, shard, { eventId: event_id, month, ordinals: ordinals ?? undefined });
  return rows.map(({ event_id }) => event_id);
};

/** What the background folder folds under one hold of the lock: some hundred milliseconds for a full chunk. */
const PROPERTIES_A_TURN = 16;
const EVENTS_A_TURN = 4;
/** Shards with so many marks together are folded as one: a transaction and its commit cost as much as the marks of 50 users. */
const MARKS_A_TURN = 10_000;

const inTurns = (ids: readonly number[], size: number): number[][] =>
  Array.from({ length: Math.ceil(ids.length / size) }, (_, turn) => ids.slice(turn * size, (turn + 1) * size));

type Turn = Required<Omit<FoldScope, 'workspaceId'>>;

/** Shards in order, those with few marks together. */
const inGroups = (shards: readonly { readonly shard: number; readonly marks: number }[]): number[][] => {
  const groups: number[][] = [];
  let marks = MARKS_A_TURN;
  for (const each of shards) {
    marks += each.marks;
    if (marks > MARKS_A_TURN) {
      groups.push([]);
      marks = each.marks;
    }
    groups.at(-1)?.push(each.shard);
  }
  return groups;
};

const turnsOf = async (client: pg.ClientBase, shards: readonly number[]): Promise<Turn[]> => {
  const [shard, second] = shards;
  if (shard === undefined || second !== undefined) return [{ shards, propertyIds: 'all', eventIds: 'all' }];
  const { rows } = await client.query<{ properties: number[]; events: number[] }>(
    `select array(select distinct property_id from pending_properties where shard = $1::bigint) as properties,
            array(select distinct event_id from pending_events where shard = $1::bigint) as events`,
    [shard],
  );
  return [
    ...inTurns(rows[0]?.properties ?? [], PROPERTIES_A_TURN).map((propertyIds) => ({
      shards,
      propertyIds,
      eventIds: [],
    })),
    ...inTurns(rows[0]?.events ?? [], EVENTS_A_TURN).map((eventIds) => ({ shards, propertyIds: [], eventIds })),
  ];
};

/**
 * Folds everything that is pending in the workspace: shards with few marks together, of others some properties or events, each in
 * a transaction and under a lock of their own, so that calculations that wait for the lock come in between. Gives the number of
 * shards.
 */
export const foldWorkspace = async (client: pg.ClientBase, workspaceId: number): Promise<number> => {
  const { rows } = await client.query<{ shard: number; marks: number }>(PENDING_MARKS, [
    ...shardRange(workspaceId),
    MARKS_A_TURN,
  ]);
  for (const shards of inGroups(rows))
    for (const turn of await turnsOf(client, shards))
      await withFoldLock(client, workspaceId, () =>
        transaction(client, () => fold(client, { workspaceId, ...turn }), { isolation: 'repeatable read' }),
      );
  return rows.length;
};
