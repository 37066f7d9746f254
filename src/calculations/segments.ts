import type pg from 'pg';
import { type Condition, parseCondition, referencedSegments } from '../conditions/index.ts';
import { LIST_ROLES } from '../conditions/types.ts';
import { conflict, EvenkeelError, invalid } from '../core/errors.ts';
import { formatId } from '../core/ids.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { withFoldLock } from '../index/lock.ts';
import { decodeText, encodeCursor } from '../core/cursors.ts';
import { conditionOf, type Definitions, expand, loadDefinitions, ruleOf } from './definitions.ts';
import { type Fields, readFields, readInteger, readText } from './input.ts';
import { DEFAULT_LIST_LIMIT, MAX_DESCRIPTION_LENGTH, MAX_LIST_LIMIT, MAX_NAME_LENGTH, MAX_SEGMENTS } from './limits.ts';
import { readLists, refuseOtherLists } from './list-input.ts';
import { changeLists, countLists, deleteLists, type ListsCounted } from './lists.ts';
import { iso, LIST_FIELDS, type SegmentResource } from './resources.ts';
import { checkPatterns } from './patterns.ts';
import type { Prediction } from './schedule/prediction.ts';
import { predictAll } from './schedule/predictor.ts';
import { type Refresh, readRefresh } from './schedule/refresh.ts';
import { change, changeListsOf, findSegment, refreshJson, tellSuperseded, unknownSegment } from './segment-changes.ts';
import { freeKey, readKey, slug } from './segment-keys.ts';
import type { Page, SegmentsService } from './services.ts';
import type { Signals } from './signals.ts';

/** With the workspace's id: who adds or removes a reference holds it, so that two edits together make no cycle. */
const GRAPH_LOCK_CLASS = 0x73656773; // 'segs'
const NAMED_USERS = 10;

const SELECT = sql('segments-select');
const USERS = sql('segments-users');
const DELETE = sql('segments-delete');

const LIST_NAMES: readonly string[] = Object.values(LIST_FIELDS);

interface Row {
  readonly id: number;
  readonly key: string;
  readonly name: string;
  readonly description: string | null;
  readonly type: SegmentResource['type'];
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

interface SegmentsOptions {
  readonly pool: pg.Pool;
  /** Those of the `Calculations` of this process, told when an edit cancels or queues something. */
  readonly signals: Signals;
  /** Hears of each change of a definition. */
  readonly onChanged?: (workspaceId: number) => void;
}

/** Segments of a workspace: their definitions, and what must hold between them. */
export class Segments implements SegmentsService {
  readonly #pool: pg.Pool;
  readonly #signals: Signals;
  readonly #onChanged: (workspaceId: number) => void;

  constructor({ pool, signals, onChanged }: SegmentsOptions) {
    this.#pool = pool;
    this.#signals = signals;
    this.#onChanged = onChanged ?? (() => undefined);
  }

  async create(workspaceId: number, body: unknown): Promise<SegmentResource> {
    const fields = readFields(body, ['key', 'name', 'description', 'condition', 'refresh', ...LIST_NAMES]);
    const name = readName(fields.name);
    const description = readDescription(fields.description);
    const wanted = fields.key === undefined || fields.key === null ? undefined : readKey(fields.key);
    const type = readType(fields);
    const condition = type === 'static' ? undefined : parseCondition(fields.condition);
    const refresh = readRefresh(fields.refresh);
    const lists = readLists(fields, false);
    refuseOtherLists(
      type,
      lists.map(({ role }) => role),
    );
    if (condition !== undefined) await checkPatterns(this.#pool, condition);
    const key = await transaction(this.#pool, async (client) => {
      await lockGraph(client, workspaceId);
      const free = wanted ?? (await findFreeKey(client, workspaceId, name));
      await refuseTooMany(client, workspaceId);
      if (condition !== undefined) await checkReferences(client, workspaceId, free, condition);
      const { rows } = await client.query<{ id: number }>(
        `insert into segments (workspace_id, key, name, description, type, condition, refresh, next_refresh_at)
         values ($1::integer, $2::text, $3::text, $4::text, $5::text, $6::jsonb, $7::jsonb,
                 case when $7::jsonb is not null then clock_timestamp() end)
         on conflict (workspace_id, key) do nothing
         returning id`,
        [
          workspaceId,
          free,
          name,
          description,
          type,
          condition === undefined ? null : JSON.stringify(fields.condition),
          refreshJson(refresh),
        ],
      );
      const made = rows[0];
      if (made === undefined)
        throw conflict(`there is a segment "${free}" already`, {
          path: 'key',
          hint: 'choose another key, or PATCH it',
        });
      if (lists.length > 0) await changeLists(client, workspaceId, made.id, lists);
      return free;
    });
    this.#onChanged(workspaceId);
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
    const fields = readFields(body, ['name', 'description', 'condition', 'refresh', ...LIST_NAMES]);
    if ('name' in fields) readName(fields.name);
    if ('description' in fields) readDescription(fields.description);
    if ('refresh' in fields) readRefresh(fields.refresh);
    const condition = 'condition' in fields ? parseCondition(fields.condition) : undefined;
    if (condition !== undefined) await checkPatterns(this.#pool, condition);
    const lists = readLists(fields, true);
    const changed = await transaction(this.#pool, async (client) => {
      if (condition !== undefined) await lockGraph(client, workspaceId);
      const segment = await findSegment(client, workspaceId, key);
      if (condition !== undefined && segment.type === 'static') throw noCondition();
      if (condition !== undefined) await checkReferences(client, workspaceId, key, condition);
      return change(client, workspaceId, key, fields, await changeListsOf(client, workspaceId, segment, lists));
    });
    tellSuperseded(this.#signals, changed);
    if (condition !== undefined) this.#onChanged(workspaceId);
    return this.get(workspaceId, key);
  }

  async delete(workspaceId: number, key: string): Promise<void> {
    const cancelled = await this.#asFolder(workspaceId, async (client) => {
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
      await deleteLists(client, workspaceId, segment.id);
      await client.query('delete from segments where id = $1::integer', [segment.id]);
      return ended;
    });
    this.#onChanged(workspaceId);
    for (const row of cancelled) this.#signals.cancelled(row.id);
  }

  /** In a transaction that may remove bitmaps: those of lists go with their segment. */
  async #asFolder<T>(workspaceId: number, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    try {
      return await withFoldLock(client, workspaceId, () => transaction(client, () => work(client)));
    } catch (error) {
      if (!(error instanceof EvenkeelError)) broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #resources(workspaceId: number, rows: readonly Row[]): Promise<SegmentResource[]> {
    const definitions = await loadDefinitions(
      this.#pool,
      workspaceId,
      rows.flatMap((row) => referencedSegments(ruleOf(row) ?? NOBODY)),
    );
    const lists = await countLists(
      this.#pool,
      workspaceId,
      rows.map(({ id }) => id),
    );
    const predictions = await predictAll(
      this.#pool,
      workspaceId,
      rows.map(({ key }) => key),
    );
    return rows.map((row) => segmentResource(row, lists.get(row.id) ?? {}, definitions, predictions.get(row.key)));
  }
}

const NOBODY: Condition = { type: 'any', of: [] };

const segmentResource = (
  row: Row,
  lists: ListsCounted,
  definitions: Definitions,
  prediction: Prediction | undefined,
): SegmentResource => ({
  key: row.key,
  name: row.name,
  description: row.description,
  type: row.type,
  condition: row.condition,
  lists: Object.fromEntries(
    LIST_ROLES.flatMap((role) => {
      const list = lists[role];
      return list === undefined ? [] : [[LIST_FIELDS[role], { ids: list.ids, users: list.users }]];
    }),
  ),
  version: row.version,
  conditionKinds: expand(
    conditionOf({ ...row, lists: Object.fromEntries(Object.entries(lists).map(([role, { id }]) => [role, id])) }),
    definitions,
  ).kinds,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  refresh: row.refresh,
  nextRefreshAt: iso(row.next_refresh_at),
  refreshed: row.refresh === null ? null : refreshed(row),
  lastError: row.last_error,
  prediction: prediction ?? null,
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

const noCondition = (): EvenkeelError =>
  invalid('a static segment has no condition: who is in it is its list of userIds', {
    path: 'condition',
    hint: 'make another segment with the condition',
  });

/** Exactly one of the two says what a segment is. */
const readType = (fields: Fields): SegmentResource['type'] => {
  if (fields.userIds === undefined) return 'dynamic';
  if (fields.condition !== undefined)
    throw invalid('a segment has either a condition or userIds', {
      path: 'userIds',
      hint: 'include and exclude override a condition',
    });
  return 'static';
};

const inUse = (key: string, users: readonly { key: string }[]): EvenkeelError => {
  const named = users.slice(0, NAMED_USERS).map((user) => user.key);
  const more = users.length > NAMED_USERS ? ' and others' : '';
  return conflict(`the segment "${key}" is used by ${named.join(', ')}${more}`, {
    hint: 'take it out of their conditions first',
  });
};
