import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { EvenkeelError } from '../core/errors.ts';
import type { Queryable } from '../database/port.ts';
import { isConnectionLost, isLockTimeout, isSerializationFailure, isUniqueViolation } from '../database/errors.ts';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { ensureProperties } from '../index/catalogue.ts';
import { PropertyFold } from '../index/fold-properties.ts';
import { POPULATION_PATH } from '../index/layout.ts';
import { tryFoldLock } from '../index/lock.ts';
import { notePending } from '../index/pending.ts';
import { eachPath } from '../index/values.ts';
import { applyAlias } from './alias.ts';
import { MAX_APPLY_ATTEMPTS, MAX_APPLY_ROUNDS, MIN_FOLDED_AT_ONCE, RETRY_BASE_MS, RETRY_MAX_MS } from './limits.ts';
import { Marks } from './marks.ts';
import { ensureNames, type NameIds } from './names.ts';
import type { Operation } from './operations.ts';
import { ensurePartitions } from './partitions.ts';
import { applyStretch, type GroupContext, type Item, type UserOperation, UserGone } from './stretch.ts';

const LOCK_WORKSPACE = sql('ingest-lock-workspace');
const LOCK_NAMED = sql('ingest-lock-named-users');

/** What became of a request: nothing to say where it was applied. */
export type RequestOutcome = Error | undefined;

export interface ApplyOptions {
  /** The bitmaps get the users that are created at once, if they are many; otherwise all is left to the next fold. */
  readonly foldNew?: boolean;
}

/**
 * Applies requests of one workspace in order, in one transaction, which is committed when this resolves. A request that cannot be
 * applied (too many properties, say) is left out as a whole, and the others are applied. A lost connection, a deadlock
 * and the like are tried again for a few seconds; applying something twice does no harm.
 *
 * @returns an outcome for each request; never rejects
 */
export const applyRequests = async (
  pool: pg.Pool,
  workspaceId: number,
  requests: readonly (readonly Operation[])[],
  options: ApplyOptions = {},
): Promise<RequestOutcome[]> => {
  const outcomes: RequestOutcome[] = requests.map(() => undefined);
  const open = new Map(requests.entries());
  try {
    await applyOpen(pool, workspaceId, open, options, (request, error) => {
      outcomes[request] = error;
      open.delete(request);
    });
  } catch (error) {
    if (open.size > 1 && !(error instanceof EvenkeelError))
      return applyHalves(pool, workspaceId, requests, outcomes, options);
    for (const request of open.keys()) outcomes[request] = error as Error;
  }
  return outcomes;
};

/** An error that nobody foresaw is that of one request: the others must not fail with it. */
const applyHalves = async (
  pool: pg.Pool,
  workspaceId: number,
  requests: readonly (readonly Operation[])[],
  outcomes: RequestOutcome[],
  options: ApplyOptions,
): Promise<RequestOutcome[]> => {
  const left = requests.flatMap((operations, i) => (outcomes[i] === undefined ? [{ operations, i }] : []));
  const middle = Math.ceil(left.length / 2);
  for (const half of [left.slice(0, middle), left.slice(middle)]) {
    const ended = await applyRequests(
      pool,
      workspaceId,
      half.map(({ operations }) => operations),
      options,
    );
    for (const [at, { i }] of half.entries()) outcomes[i] = ended[at];
  }
  return outcomes;
};

type Refuse = (request: number, error: EvenkeelError) => void;

const applyOpen = async (
  pool: pg.Pool,
  workspaceId: number,
  open: Map<number, readonly Operation[]>,
  options: ApplyOptions,
  refuse: Refuse,
): Promise<void> => {
  let attempts = 0;
  for (let round = 1; open.size > 0; round++) {
    try {
      const { months, ...ids } = await ensureNames(pool, workspaceId, open, refuse);
      if (open.size === 0) return;
      await ensurePartitions(pool, months);
      const missing = await applyOnce(pool, workspaceId, open, ids, options, refuse);
      if (missing === undefined) return;
      await ensureProperties(pool, workspaceId, missing);
    } catch (error) {
      if (!(error instanceof UserGone)) {
        attempts += 1;
        if (!isTransient(error)) throw error;
        if (attempts >= MAX_APPLY_ATTEMPTS) throw unavailable(error as Error);
        await sleep(Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** attempts) * (0.5 + Math.random() / 2));
      }
    }
    if (round >= MAX_APPLY_ROUNDS) throw unavailable(new Error('the users change all the time'));
  }
};

/** 25006: the server has become a standby. Class 53: it is out of memory, disk or connections. */
const isTransient = (error: unknown): boolean =>
  isConnectionLost(error) ||
  isSerializationFailure(error) ||
  isLockTimeout(error) ||
  // two processes gave the same new user its name
  isUniqueViolation(error) ||
  /^(25006|53[0-9A-Z]{3})$/.test((error as { code?: string }).code ?? '');

const unavailable = (error: Error): EvenkeelError =>
  new EvenkeelError(503, 'database_unavailable', `the database could not store it: ${error.message}`, {
    hint: 'send it again: a messageId that was stored already is not counted twice',
  });

/** Says that the transaction is to be rolled back and run again, without what was refused or with names it lacked. */
class RunAgain extends Error {
  readonly missing: readonly string[];
  constructor(missing: readonly string[]) {
    super('run the transaction again');
    this.missing = missing;
  }
}

/** Gives undefined when it is committed, otherwise the paths to ensure before it is run again. */
const applyOnce = async (
  pool: pg.Pool,
  workspaceId: number,
  open: ReadonlyMap<number, readonly Operation[]>,
  ids: NameIds,
  { foldNew = false }: ApplyOptions,
  refuse: Refuse,
): Promise<readonly string[] | undefined> => {
  const refused = new Map<number, EvenkeelError>();
  const marks = new Marks();
  const context: GroupContext = { workspaceId, eventIds: ids.events, marks, created: [], refused };
  const parts = partsOf(open);
  const aliases = parts.some((part) => !Array.isArray(part));
  try {
    await transaction(pool, async (client) => {
      const hasLists = aliases && (await lockAll(client, workspaceId, open));
      for (const part of parts) {
        if (Array.isArray(part)) await applyStretch(client, context, part);
        else await applyAlias(client, { ...context, hasLists }, part as Item<never>);
        if (refused.size > 0) throw new RunAgain([]);
      }
      const { created } = context;
      const folds = foldNew && created.length >= MIN_FOLDED_AT_ONCE && (await tryFoldLock(client, workspaceId));
      if (folds) markLast(marks, created);
      else markCreated(marks, created);
      await noteMarks(client, workspaceId, marks, ids.paths);
      if (folds) await foldCreated(client, workspaceId, created, ids.paths);
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof RunAgain)) throw error;
    for (const [request, problem] of refused) refuse(request, problem);
    return error.missing;
  }
};

/**
 * Before a group with an alias: the workspace, so that names do not change, and then everybody whom it names at once. Each part
 * locks its own users in order, but a later part may have earlier ones, and others, who lock in order, would wait in a circle.
 *
 * Gives whether the workspace has lists of userIds.
 */
const lockAll = async (
  db: Queryable,
  workspaceId: number,
  open: ReadonlyMap<number, readonly Operation[]>,
): Promise<boolean> => {
  const { rows } = await db.query<{ has_lists: boolean }>(LOCK_WORKSPACE, [workspaceId]);
  const names = new Set<string>();
  for (const operation of [...open.values()].flat()) {
    names.add(operation.userId);
    if (operation.kind === 'alias') names.add(operation.previousId);
  }
  await db.query(LOCK_NAMED, [workspaceId, [...names]]);
  return rows[0]?.has_lists ?? false;
};

type Part = Item<UserOperation>[] | Item;

/** Everything between two aliases is one part. */
const partsOf = (requests: ReadonlyMap<number, readonly Operation[]>): Part[] => {
  const parts: Part[] = [];
  let stretch: Item<UserOperation>[] = [];
  for (const [request, operations] of requests)
    for (const operation of operations)
      if (operation.kind === 'alias') {
        if (stretch.length > 0) parts.push(stretch);
        parts.push({ request, operation });
        stretch = [];
      } else stretch.push({ request, operation });
  if (stretch.length > 0) parts.push(stretch);
  return parts;
};

const markCreated = (marks: Marks, created: GroupContext['created']): void => {
  for (const { shard, ordinal, properties } of created) {
    marks.property(shard, ordinal, POPULATION_PATH);
    eachPath(properties, (path) => marks.property(shard, ordinal, path));
  }
};

/** That somebody has come: only a fold after the commit may say what has changed since a calculation (decision 0023). */
const markLast = (marks: Marks, created: GroupContext['created']): void => {
  const last = created.at(-1);
  if (last) marks.property(last.shard, last.ordinal, POPULATION_PATH);
};

/**
 * Brings the users whom the transaction has created into the bitmaps. It is exact as nobody else knows of them yet; what a later part
 * of the transaction has changed of them is marked.
 */
const foldCreated = async (
  client: pg.ClientBase,
  workspaceId: number,
  created: GroupContext['created'],
  paths: ReadonlyMap<string, number>,
): Promise<void> => {
  const shards = new Map<number, GroupContext['created']>();
  for (const user of created) {
    const users = shards.get(user.shard);
    if (users) users.push(user);
    else shards.set(user.shard, [user]);
  }
  const fold = new PropertyFold(client, workspaceId);
  for (const [shard, users] of shards) await fold.addUsers(shard, users, paths);
  await fold.finishLater();
};

const noteMarks = async (
  db: Queryable,
  workspaceId: number,
  marks: Marks,
  known: Map<string, number>,
): Promise<void> => {
  const { paths } = marks;
  const unknown = [...paths].filter((path) => !known.has(path));
  if (unknown.length > 0) {
    // values that a patch removed or an alias moved: their names were ensured when they came
    const { rows } = await db.query<{ id: number; path: string }>(
      'select id, path from properties where workspace_id = $1::integer and path = any($2::text[])',
      [workspaceId, unknown],
    );
    for (const { id, path } of rows) known.set(path, id);
    const missing = unknown.filter((path) => !known.has(path));
    if (missing.length > 0) throw new RunAgain(missing);
  }
  await notePending(db, { properties: marks.propertyMarks(known), events: marks.events });
};
