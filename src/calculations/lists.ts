import type { ListRole } from '../conditions/types.ts';
import { invalid } from '../core/errors.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { shardRange } from '../index/layout.ts';
import { noteListChange } from '../index/lists.ts';
import { MAX_LIST_IDS } from './limits.ts';

const ENSURE = sql('lists-ensure');
const CREATE_STAGED = sql('lists-staged');
const CREATE_CHANGED = sql('lists-changed');
const ADD = sql('lists-add');
const REMOVE = sql('lists-remove');
const KEEP = sql('lists-keep');
const SELECT = sql('lists-select');
const DELETE = sql('lists-delete');

/** With the segment's id: who changes or deletes its lists. */
const LISTS_LOCK_CLASS = 0x6c697374; // 'list'

/** A million ids are compared and sorted in memory. */
const WORK_MEM = '64MB';

/** `replace`: the list holds these ids and no others afterwards. */
export const LIST_MODES = ['replace', 'add', 'remove'] as const;
export type ListMode = (typeof LIST_MODES)[number];

export interface ListChange {
  readonly role: ListRole;
  readonly mode: ListMode;
  /** Valid ids in batches, as often as they come. */
  readonly ids: AsyncIterable<readonly string[]> | Iterable<readonly string[]>;
}

export interface ListOutcome {
  readonly role: ListRole;
  /** On it now. */
  readonly ids: number;
  readonly added: number;
  readonly removed: number;
}

/** Keeps everybody else from changing the lists of a segment until the transaction ends. */
export const lockLists = async (db: Queryable, segmentId: number): Promise<void> => {
  await db.query('select pg_advisory_xact_lock($1::integer, $2::integer)', [LISTS_LOCK_CLASS, segmentId]);
};

/**
 * Changes lists of a segment, whose lists the caller has locked. In the caller's transaction, which must be `read committed`: once
 * the workspace's row is locked it has to see who was created meanwhile.
 *
 * The rows are changed first, which may take seconds. Only then is the workspace's row locked, until the commit: who creates users
 * locks it too and looks on the lists afterwards, so either we see the user, or the user's creation sees the list.
 */
export const changeLists = async (
  db: Queryable,
  workspaceId: number,
  segmentId: number,
  changes: readonly ListChange[],
): Promise<ListOutcome[]> => {
  await db.query(ENSURE, [workspaceId, segmentId, changes.map(({ role }) => role)]);
  const { rows } = await db.query<HeldList>(
    'select id, role, property_id, ids from lists where segment_id = $1::integer',
    [segmentId],
  );
  const lists = new Map(rows.map((row) => [row.role, row]));
  await db.query(`select set_config('work_mem', $1::text, true)`, [WORK_MEM]);
  await db.query(CREATE_CHANGED);
  const counts = new Map<ListRole, Count>();
  for (const change of changes) {
    const list = lists.get(change.role);
    if (list === undefined) throw new Error(`the list ${change.role} was made and is not there`);
    const { added, removed } = await apply(db, workspaceId, list.id, change);
    const before = counts.get(change.role) ?? { added: 0, removed: 0 };
    counts.set(change.role, { added: before.added + added, removed: before.removed + removed });
  }
  await db.query('update workspaces set has_lists = true where id = $1::integer', [workspaceId]);
  const outcomes: ListOutcome[] = [];
  for (const [role, { added, removed }] of counts) {
    const list = lists.get(role) as HeldList;
    if (added + removed > 0)
      await noteListChange(db, workspaceId, { id: list.id, propertyId: list.property_id }, added + removed);
    const { rows: saved } = await db.query<{ ids: number }>(
      'update lists set ids = ids + $2::integer where id = $1::integer returning ids',
      [list.id, added - removed],
    );
    const ids = saved[0]?.ids ?? 0;
    if (ids > MAX_LIST_IDS)
      throw invalid(`a list holds at most ${MAX_LIST_IDS} ids, and this one would hold ${ids}`, {
        hint: 'nothing was changed',
      });
    outcomes.push({ role, ids, added, removed });
  }
  return outcomes;
};

interface HeldList {
  readonly id: number;
  readonly role: ListRole;
  readonly property_id: number;
  readonly ids: number;
}
type Count = Pick<ListOutcome, 'added' | 'removed'>;

const apply = async (db: Queryable, workspaceId: number, listId: number, { mode, ids }: ListChange): Promise<Count> => {
  await db.query(CREATE_STAGED);
  for await (const batch of ids) await db.query('insert into staged_ids select unnest($1::text[])', [batch]);
  await db.query('analyze staged_ids');
  const removal = mode === 'remove' ? REMOVE : mode === 'replace' ? KEEP : undefined;
  const removed = removal === undefined ? 0 : ((await db.query(removal, [listId])).rowCount ?? 0);
  const added = mode === 'remove' ? 0 : ((await db.query(ADD, [listId, workspaceId])).rowCount ?? 0);
  await db.query('drop table staged_ids');
  return { added, removed };
};

export interface ListCounts {
  readonly id: number;
  readonly ids: number;
  /** Users who stand on it now, under whichever of their names. */
  readonly users: number;
}

export type ListsCounted = { readonly [R in ListRole]?: ListCounts };

/** By segment: what its lists hold. */
export const countLists = async (
  db: Queryable,
  workspaceId: number,
  segmentIds: readonly number[],
): Promise<Map<number, ListsCounted>> => {
  const counts = new Map<number, ListsCounted>();
  const { rows } = await db.query<ListCounts & { segment_id: number; role: ListRole }>(SELECT, [
    workspaceId,
    segmentIds,
    ...shardRange(workspaceId),
  ]);
  for (const { segment_id, role, ...count } of rows)
    counts.set(segment_id, { ...counts.get(segment_id), [role]: count });
  return counts;
};

/** Under the workspace's fold lock. */
export const deleteLists = async (db: Queryable, workspaceId: number, segmentId: number): Promise<void> => {
  await lockLists(db, segmentId);
  await db.query('select from workspaces where id = $1::integer for no key update', [workspaceId]);
  await db.query(DELETE, [segmentId, ...shardRange(workspaceId)]);
};
