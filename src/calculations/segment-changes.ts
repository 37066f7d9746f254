import { type EvenkeelError, notFound } from '../core/errors.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import type { Fields } from './input.ts';
import { refuseOtherLists } from './list-input.ts';
import { changeLists, type ListChange, type ListOutcome, lockLists } from './lists.ts';
import type { SegmentResource } from './resources.ts';
import { type Refresh, readRefresh } from './schedule/refresh.ts';
import type { Signals } from './signals.ts';

/** Changes of a segment that make another version of it. */

const SUPERSEDE = sql('segments-supersede');

export const unknownSegment = (key: string): EvenkeelError => notFound(`the segment "${key.slice(0, 64)}"`);

export interface FoundSegment {
  readonly id: number;
  readonly type: SegmentResource['type'];
}

export const findSegment = async (client: Queryable, workspaceId: number, key: string): Promise<FoundSegment> => {
  const { rows } = await client.query<FoundSegment>(
    'select id, type from segments where workspace_id = $1::integer and key = $2::text',
    [workspaceId, key],
  );
  if (rows[0] === undefined) throw unknownSegment(key);
  return rows[0];
};

/** Changes its lists, which nobody else does until the transaction ends. */
export const changeListsOf = async (
  client: Queryable,
  workspaceId: number,
  segment: FoundSegment,
  changes: readonly ListChange[],
): Promise<ListOutcome[]> => {
  refuseOtherLists(
    segment.type,
    changes.map(({ role }) => role),
  );
  if (changes.length === 0) return [];
  await lockLists(client, segment.id);
  const { rowCount } = await client.query('select from segments where id = $1::integer', [segment.id]);
  if (rowCount === 0) throw notFound('the segment');
  return changeLists(client, workspaceId, segment.id, changes);
};

export interface Changed {
  readonly version: number;
  /** Calculations of the older definition that ran. */
  readonly superseded: readonly { readonly id: number }[];
}

/** A changed condition or list makes another version. */
export const change = async (
  client: Queryable,
  workspaceId: number,
  key: string,
  fields: Fields,
  lists: readonly ListOutcome[],
): Promise<Changed> => {
  const json = 'condition' in fields ? JSON.stringify(fields.condition) : null;
  const { rows } = await client.query<{ id: number; version: number; changed: boolean }>(
    `update segments s set
       name = coalesce($3::text, s.name),
       description = case when $4::boolean then $5::text else s.description end,
       condition = coalesce($6::jsonb, s.condition),
       version = s.version + case when $7::boolean or before.other then 1 else 0 end,
       definition = case when before.other then nextval('segment_definitions') else s.definition end,
       definition_since = case when before.other then s.version + 1 else s.definition_since end,
       updated_at = clock_timestamp()
     from (select id, version, $6::jsonb is not null and $6::jsonb is distinct from condition as other
           from segments where workspace_id = $1::integer and key = $2::text for no key update) before
     where s.id = before.id
     returning s.id, s.version, s.version <> before.version as changed`,
    [
      workspaceId,
      key,
      fields.name ?? null,
      'description' in fields,
      fields.description ?? null,
      json,
      lists.some(({ added, removed }) => added + removed > 0),
    ],
  );
  const segment = rows[0];
  if (segment === undefined) throw unknownSegment(key);
  const { version } = segment;
  if (segment.changed || 'refresh' in fields) await reschedule(client, segment.id, fields);
  if (!segment.changed) return { version, superseded: [] };
  return { version, superseded: (await client.query<{ id: number }>(SUPERSEDE, [segment.id])).rows };
};
/** A new condition or list is calculated soon; a new refresh begins now, and forgets what went wrong with the one before. */
const reschedule = async (client: Queryable, segmentId: number, fields: Fields): Promise<void> => {
  const given = 'refresh' in fields;
  await client.query(
    `update segments s set
       refresh = after.refresh, failures = 0, last_error = null,
       refresh_ms = case when $2::boolean then null else s.refresh_ms end,
       next_refresh_at = case when after.refresh is not null then clock_timestamp() end
     from (select case when $2::boolean then $3::jsonb else refresh end as refresh from segments where id = $1::integer) after
     where s.id = $1::integer`,
    [segmentId, given, given ? refreshJson(readRefresh(fields['refresh'])) : null],
  );
};

export const refreshJson = (refresh: Refresh | null): string | null =>
  refresh === null ? null : JSON.stringify(refresh);

export const tellSuperseded = (signals: Signals, { superseded }: Changed): void => {
  for (const row of superseded) {
    signals.cancelled(row.id);
    signals.queued();
  }
};
