import type pg from 'pg';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { foldEventMonth } from './fold-events.ts';
import { PropertyFold } from './fold-properties.ts';
import { shardRange } from './layout.ts';
import { withFoldLock } from './lock.ts';

const SHARDS = sql('index-shards');
const EVENT_MONTHS = sql('index-event-months');
const MEASURE = sql('index-measure-columns');
const MARK_ALL_CHANGED = sql('index-mark-all-changed');

export interface RebuildProgress {
  readonly shards: number;
  readonly done: number;
}

/**
 * Makes every bitmap of the workspace anew from the rows, and removes what should not be there. Shard by shard, each in a
 * transaction of its own under the fold lock: whoever calculates meanwhile sees a shard before or after, and both are exact.
 */
export const rebuild = async (
  client: pg.ClientBase,
  workspaceId: number,
  onProgress: (progress: RebuildProgress) => void = () => undefined,
): Promise<void> => {
  const { rows } = await client.query<{ shard: number }>(SHARDS, [workspaceId]);
  const locked = (work: () => Promise<void>): Promise<void> =>
    withFoldLock(client, workspaceId, () => transaction(client, work, { isolation: 'repeatable read' }));
  onProgress({ shards: rows.length, done: 0 });
  for (const [index, { shard }] of rows.entries()) {
    await locked(() => rebuildShard(client, workspaceId, shard));
    onProgress({ shards: rows.length, done: index + 1 });
  }
  await locked(async () => {
    await client.query(MEASURE, [workspaceId, ...shardRange(workspaceId)]);
  });
};

const rebuildShard = async (client: pg.ClientBase, workspaceId: number, shard: number): Promise<void> => {
  await client.query('delete from pending_properties where shard = $1::bigint', [shard]);
  await client.query('delete from pending_events where shard = $1::bigint', [shard]);
  // Folding replaces the slices of the columns that there are; no other column has any.
  await client.query(
    `delete from slices where shard = $1::bigint
     and column_id <> all(array(select id from columns where workspace_id = $2::integer and not overflowed))`,
    [shard, workspaceId],
  );
  await client.query(
    `delete from texts where shard = $1::bigint
     and column_id <> all(array(select id from columns where workspace_id = $2::integer and type = 'text' and overflowed))`,
    [shard, workspaceId],
  );
  const properties = await client.query<{ id: number; path: string }>(
    'select id, path from properties where workspace_id = $1::integer order by id',
    [workspaceId],
  );
  const fold = new PropertyFold(client, workspaceId);
  await fold.foldShard(
    shard,
    properties.rows.map(({ id, path }) => ({ propertyId: id, path, ordinals: undefined })),
  );
  await fold.finish();
  const months = await client.query<{ event_id: number; month: number }>(EVENT_MONTHS, [shard]);
  for (const { event_id, month } of months.rows)
    await foldEventMonth(client, shard, { eventId: event_id, month, ordinals: undefined });
  // What was pending is gone, and bitmaps that were wrong are right now.
  await client.query(MARK_ALL_CHANGED, [workspaceId]);
};
