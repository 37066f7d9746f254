import type pg from 'pg';
import { type Condition, parseCondition, referencedSegments } from '../conditions/index.ts';
import { conflict, EvenkeelError, invalid, notFound } from '../core/errors.ts';
import { formatId } from '../core/ids.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { decodeText, encodeCursor } from './cursors.ts';
import { type Definitions, expand, loadDefinitions } from './definitions.ts';
import { type Fields, readFields, readInteger, readText } from './input.ts';
import { DEFAULT_LIST_LIMIT, MAX_DESCRIPTION_LENGTH, MAX_LIST_LIMIT, MAX_NAME_LENGTH, MAX_SEGMENTS } from './limits.ts';
import { checkPatterns } from './patterns.ts';
import { iso, type SegmentResource } from './resources.ts';
import { type Refresh, readRefresh } from './schedule/refresh.ts';
import { freeKey, readKey, slug } from './segment-keys.ts';
import type { Page, SegmentsService } from './services.ts';
import type { Signals } from './signals.ts';

/** With the workspace's id: who adds or removes a reference holds it, so that two edits together make no cycle. */
const GRAPH_LOCK_CLASS = 0x73656773; // 'segs'
const NAMED_USERS = 10;

const SELECT = sql('segments-select');
const USERS = sql('segments-users');
const SUPERSEDE = sql('segments-supersede');
const DELETE = sql('segments-delete');

interface Row {
  readonly key: string;
  readonly name: string;
  readonly description: string | null;
  readonly condition: unknown;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly refresh: Refresh | null;
  readonly next_refresh_at: Date | null;
  readonly refresh_ms: number | null;
  readonly refreshed_at: Date | null;
  readonly skipped_at: Date | null;
  readonly skips: number;
  readonly failures: number;
  readonly last_error: SegmentResource['lastError'];
  readonly snapshot_id: number | null;
  readonly as_of: Date | null;
  readonly population: number | null;
  readonly members: number | null;
}

const readName = (value: unknown): string => readText(value, 'name', { min: 1, max: MAX_NAME_LENGTH });
const readDescription = (value: unknown): string | null =>
  value === undefined || value === null
    ? null
    : readText(value, 'description', { min: 0, max: MAX_DESCRIPTION_LENGTH });

/** Segments of a workspace: their definitions, and what must hold between them. */
export class Segments implements SegmentsService {
  readonly #pool: pg.Pool;
  readonly #signals: Signals;

  /** `signals`: those of the `Calculations` of this process, told when an edit cancels or queues something. */
  constructor({ pool, signals }: { pool: pg.Pool; signals: Signals }) {
    this.#pool = pool;
    this.#signals = signals;
  }

  async create(workspaceId: number, body: unknown): Promise<SegmentResource> {
    const fields = readFields(body, ['key', 'name', 'description', 'condition', 'refresh']);
    const name = readName(fields.name);
    const description = readDescription(fields.description);
    const wanted = fields.key === undefined || fields.key === null ? undefined : readKey(fields.key);
    const condition = parseCondition(fields.condition);
    const refresh = readRefresh(fields.refresh);
    await checkPatterns(this.#pool, condition);
    const key = await transaction(this.#pool, async (client) => {
      await lockGraph(client, workspaceId);
      const free = wanted ?? (await findFreeKey(client, workspaceId, name));
      await refuseTooMany(client, workspaceId);
      await checkReferences(client, workspaceId, free, condition);
      const { rowCount } = await client.query(
        `insert into segments (workspace_id, key, name, description, condition, refresh, next_refresh_at)
         values ($1::integer, $2::text, $3::text, $4::text, $5::jsonb, $6::jsonb,
                 case when $6::jsonb is not null then clock_timestamp() end)
         on conflict (workspace_id, key) do nothing`,
        [workspaceId, free, name, description, JSON.stringify(fields.condition), refreshJson(refresh)],
      );
      if (rowCount === 0)
        throw conflict(`there is a segment "${free}" already`, {
          path: 'key',
          hint: 'choose another key, or PATCH it',
        });
      return free;
    });
    return this.get(workspaceId, key);
  }

  async list(
    workspaceId: number,
    page: Page = {},
  ): Promise<{ segments: SegmentResource[]; nextCursor: string | null }> {
    const limit = readInteger(page.limit ?? DEFAULT_LIST_LIMIT, 'limit', { min: 1, max: MAX_LIST_LIMIT });
    const after = page.cursor === undefined ? null : decodeText('segments', page.cursor);
    const { rows } = await this.#pool.query<Row>(SELECT, [workspaceId, after, null, limit + 1]);
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    return {
      segments: await this.#resources(workspaceId, shown),
      nextCursor: rows.length > limit && last !== undefined ? encodeCursor('segments', last.key) : null,
    };
  }

  async get(workspaceId: number, key: string): Promise<SegmentResource> {
    const { rows } = await this.#pool.query<Row>(SELECT, [workspaceId, null, key, 1]);
    const [resource] = await this.#resources(workspaceId, rows);
    if (resource === undefined) throw unknownSegment(key);
    return resource;
  }

  async update(workspaceId: number, key: string, body: unknown): Promise<SegmentResource> {
    const fields = readFields(body, ['name', 'description', 'condition', 'refresh']);
    if ('name' in fields) readName(fields.name);
    if ('description' in fields) readDescription(fields.description);
    if ('refresh' in fields) readRefresh(fields.refresh);
    const condition = 'condition' in fields ? parseCondition(fields.condition) : undefined;
    if (condition !== undefined) await checkPatterns(this.#pool, condition);
    const superseded = await transaction(this.#pool, async (client) => {
      if (condition !== undefined) {
        await lockGraph(client, workspaceId);
        await checkReferences(client, workspaceId, key, condition);
      }
      return change(client, workspaceId, key, fields);
    });
    for (const row of superseded) {
      this.#signals.cancelled(row.id);
      this.#signals.queued();
    }
    return this.get(workspaceId, key);
  }

  async delete(workspaceId: number, key: string): Promise<void> {
    const cancelled = await transaction(this.#pool, async (client) => {
      await lockGraph(client, workspaceId);
      const { rows: users } = await client.query<{ key: string }>(USERS, [workspaceId, key, NAMED_USERS + 1]);
      if (users.length > 0) throw inUse(key, users);
      // In the order in which a calculation that is storing locks them: it is waited for, and others are kept out.
      await client.query(
        `select from calculations c join segments s on s.id = c.segment_id
         where s.workspace_id = $1::integer and s.key = $2::text and c.state = 'running' for update of c`,
        [workspaceId, key],
      );
      const { rows } = await client.query<{ id: number }>(
        'select id from segments where workspace_id = $1::integer and key = $2::text for update',
        [workspaceId, key],
      );
      const segment = rows[0];
      if (segment === undefined) throw unknownSegment(key);
      const { rows: ended } = await client.query<{ id: number }>(DELETE, [segment.id]);
      await client.query('delete from segments where id = $1::integer', [segment.id]);
      return ended;
    });
    for (const row of cancelled) this.#signals.cancelled(row.id);
  }

  async #resources(workspaceId: number, rows: readonly Row[]): Promise<SegmentResource[]> {
    const definitions = await loadDefinitions(
      this.#pool,
      workspaceId,
      rows.flatMap((row) => [...referencedSegments(parseCondition(row.condition))]),
    );
    return rows.map((row) => segmentResource(row, definitions));
  }
}

export const unknownSegment = (key: string): EvenkeelError => notFound(`the segment "${key.slice(0, 64)}"`);

const segmentResource = (row: Row, definitions: Definitions): SegmentResource => ({
  key: row.key,
  name: row.name,
  description: row.description,
  condition: row.condition,
  version: row.version,
  conditionKinds: expand(parseCondition(row.condition), definitions).kinds,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  refresh: row.refresh,
  nextRefreshAt: iso(row.next_refresh_at),
  refreshed: row.refresh === null ? null : refreshed(row),
  lastError: row.last_error,
  latestSnapshot:
    row.snapshot_id === null
      ? null
      : {
          id: formatId('snapshot', row.snapshot_id),
          asOf: row.as_of?.toISOString() ?? '',
          population: row.population ?? 0,
          members: row.members ?? 0,
        },
});

const refreshed = (row: Row): SegmentResource['refreshed'] => ({
  intervalMs: row.refresh_ms,
  lastAt: iso(row.refreshed_at),
  lastSkippedAt: iso(row.skipped_at),
  skips: row.skips,
  failures: row.failures,
});

const refreshJson = (refresh: Refresh | null): string | null => (refresh === null ? null : JSON.stringify(refresh));

const lockGraph = async (client: Queryable, workspaceId: number): Promise<void> => {
  await client.query('select pg_advisory_xact_lock($1::integer, $2::integer)', [GRAPH_LOCK_CLASS, workspaceId]);
};

const findFreeKey = async (client: Queryable, workspaceId: number, name: string): Promise<string> => {
  const { rows } = await client.query<{ key: string }>(
    'select key from segments where workspace_id = $1::integer and starts_with(key, $2::text)',
    [workspaceId, slug(name)],
  );
  return freeKey(name, new Set(rows.map((row) => row.key)));
};

const refuseTooMany = async (client: Queryable, workspaceId: number): Promise<void> => {
  const { rows } = await client.query<{ count: number }>(
    'select count(*)::integer as count from segments where workspace_id = $1::integer',
    [workspaceId],
  );
  if ((rows[0]?.count ?? 0) >= MAX_SEGMENTS)
    throw invalid(`a workspace holds at most ${MAX_SEGMENTS} segments`, { hint: 'delete some that nobody needs' });
};

/** Every reference exists and none leads back to `key`; holds the graph's lock. */
const checkReferences = async (
  client: Queryable,
  workspaceId: number,
  key: string,
  condition: Condition,
): Promise<void> => {
  const named = referencedSegments(condition);
  const reached = await loadDefinitions(client, workspaceId, named);
  const unknown = named.some((name) => name !== key && !reached.has(name));
  expand(condition, reached, { key, known: unknown ? await someKeys(client, workspaceId) : [] });
};

/** For "did you mean". */
const someKeys = async (client: Queryable, workspaceId: number): Promise<string[]> => {
  const { rows } = await client.query<{ key: string }>(
    'select key from segments where workspace_id = $1::integer order by id desc limit 1000',
    [workspaceId],
  );
  return rows.map((row) => row.key);
};

const change = async (
  client: Queryable,
  workspaceId: number,
  key: string,
  fields: Fields,
): Promise<readonly { id: number }[]> => {
  const json = 'condition' in fields ? JSON.stringify(fields.condition) : null;
  const { rows } = await client.query<{ id: number; changed: boolean }>(
    `update segments s set
       name = coalesce($3::text, s.name),
       description = case when $4::boolean then $5::text else s.description end,
       condition = coalesce($6::jsonb, s.condition),
       version = s.version + case when $6::jsonb is distinct from s.condition and $6::jsonb is not null then 1 else 0 end,
       updated_at = clock_timestamp()
     from (select id, condition from segments where workspace_id = $1::integer and key = $2::text for no key update) before
     where s.id = before.id
     returning s.id, s.condition is distinct from before.condition as changed`,
    [workspaceId, key, fields.name ?? null, 'description' in fields, fields.description ?? null, json],
  );
  const segment = rows[0];
  if (segment === undefined) throw unknownSegment(key);
  if (segment.changed || 'refresh' in fields) await reschedule(client, segment.id, fields);
  if (!segment.changed) return [];
  return (await client.query<{ id: number }>(SUPERSEDE, [segment.id])).rows;
};

/** A new condition is calculated soon; a new refresh begins now, and forgets what went wrong with the one before. */
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

const inUse = (key: string, users: readonly { key: string }[]): EvenkeelError => {
  const named = users.slice(0, NAMED_USERS).map((user) => user.key);
  const more = users.length > NAMED_USERS ? ' and others' : '';
  return conflict(`the segment "${key}" is used by ${named.join(', ')}${more}`, {
    hint: 'take it out of their conditions first',
  });
};
