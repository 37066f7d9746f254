import type { EvenkeelError } from '../core/errors.ts';
import { tooLarge } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { DAY_MS, shardOf } from '../index/layout.ts';
import { MAX_USER_PROPERTIES_BYTES } from './limits.ts';
import { markListed } from './listed.ts';
import type { Marks } from './marks.ts';
import type { AliasOperation, EventOperation, Operation } from './operations.ts';
import { bigints, doubles, integers, texts, uuids } from '../database/arrays.ts';
import { eachChange, mergePatch, NO_PROPERTIES, type Properties } from './properties.ts';
import { resolveUsers } from './resolve.ts';

const statement = (name: string) => ({ name, text: sql(name) });
const LOCK = statement('ingest-lock-users');
const INSERT_KEYS = statement('ingest-insert-keys');
const INSERT_USERS = statement('ingest-insert-users');
const UPDATE_USERS = statement('ingest-update-users');
const INSERT_EVENTS = statement('ingest-insert-events');

/** An operation and which request of the group it belongs to. */
export interface Item<O = Operation> {
  readonly request: number;
  readonly operation: O;
}
export type UserOperation = Exclude<Operation, AliasOperation>;

/** What a group's transaction knows and gathers. */
export interface GroupContext {
  readonly workspaceId: number;
  readonly eventIds: ReadonlyMap<string, number>;
  readonly marks: Marks;
  /** Users whom the transaction has created, of whom nothing is marked yet. */
  readonly created: { readonly shard: number; readonly ordinal: number; readonly properties: Properties }[];
  /** Requests that must not be applied: the transaction is then run again without them. */
  readonly refused: Map<number, EvenkeelError>;
}

/** A user was erased or merged between being found and being locked: the transaction is run again. */
export class UserGone extends Error {
  override readonly name = 'UserGone';
}

interface State {
  readonly shard: number;
  readonly ordinal: number;
  readonly created: string | undefined;
  before: Properties;
  now: Properties;
  /** At least the bytes of `now` as JSON. */
  bytes: number;
  read: boolean;
}

/** Applies operations that create, change and observe users, in order: one statement a table, however many there are. */
export const applyStretch = async (
  db: Queryable,
  context: GroupContext,
  items: readonly Item<UserOperation>[],
): Promise<void> => {
  const users = await findUsers(db, context, items);
  await lockUsers(db, users);
  const isRepeat = await insertKeys(db, users, items);
  const events: { state: State; operation: EventOperation }[] = [];
  for (let at = 0; at < items.length; ) at = applyRequest(context, users, items, at, isRepeat, events);
  if (context.refused.size > 0) return;
  await writeUsers(db, context, new Set(users.values()));
  await writeEvents(db, context, events);
};

const findUsers = async (
  db: Queryable,
  context: GroupContext,
  items: readonly Item<UserOperation>[],
): Promise<Map<string, State>> => {
  const { workspaceId } = context;
  const ids = new Set<string>();
  for (const { operation } of items) ids.add(operation.userId);
  const { known, created, listed } = await resolveUsers(db, workspaceId, ids);
  if (listed) await markListed(db, context, new Map([...created].map(([id, ordinal]) => [id, [ordinal]])));
  const byOrdinal = new Map<number, State>();
  const users = new Map<string, State>();
  const add = (id: string, ordinal: number, isNew: boolean) => {
    let state = byOrdinal.get(ordinal);
    if (state === undefined) {
      const shard = shardOf(workspaceId, ordinal);
      const [before, now] = [NO_PROPERTIES, NO_PROPERTIES];
      state = { shard, ordinal, created: isNew ? id : undefined, before, now, bytes: 2, read: false };
      byOrdinal.set(ordinal, state);
    }
    users.set(id, state);
  };
  for (const [id, ordinal] of known) add(id, ordinal, false);
  for (const [id, ordinal] of created) add(id, ordinal, true);
  for (const { operation } of items) if (operation.kind !== 'event') (users.get(operation.userId) as State).read = true;
  return users;
};

const lockUsers = async (db: Queryable, users: ReadonlyMap<string, State>): Promise<void> => {
  const there = new Map<number, State>();
  for (const state of users.values()) if (state.created === undefined) there.set(state.ordinal, state);
  if (there.size === 0) return;
  const states = [...there.values()];
  const { rows } = await db.query<{ ordinal: number; properties: string | null }>({
    ...LOCK,
    values: [
      bigints(states.map(({ shard }) => shard)),
      integers(states.map(({ ordinal }) => ordinal)),
      integers(states.map(({ read }) => (read ? 1 : 0))),
    ],
  });
  if (rows.length < states.length) throw new UserGone();
  for (const { ordinal, properties } of rows) {
    if (properties === null) continue;
    const state = there.get(ordinal) as State;
    state.before = state.now = JSON.parse(properties) as Properties;
    state.bytes = Buffer.byteLength(properties);
  }
};

/** Notes the keys of all items, and gives which had been there before: asked in order, also whether one comes again here. */
const insertKeys = async (
  db: Queryable,
  users: ReadonlyMap<string, State>,
  items: readonly Item<UserOperation>[],
): Promise<(state: State, key: string) => boolean> => {
  const keys = new Map<string, { state: State; key: string }>();
  for (const { operation } of items) {
    const { key } = operation;
    if (key === undefined) continue;
    const state = users.get(operation.userId) as State;
    keys.set(`${state.ordinal},${key}`, { state, key });
  }
  if (keys.size === 0) return () => false;
  const wanted = [...keys.values()];
  const { rows } = await db.query<{ ordinal: number; key: string }>({
    ...INSERT_KEYS,
    values: [
      bigints(wanted.map(({ state }) => state.shard)),
      integers(wanted.map(({ state }) => state.ordinal)),
      uuids(wanted.map(({ key }) => key)),
    ],
  });
  // a key that was not there is asked for the first time only once
  const there = new Set(rows.map(({ ordinal, key }) => `${ordinal},${key.replaceAll('-', '')}`));
  return (state, key) => {
    const asked = `${state.ordinal},${key}`;
    if (there.has(asked)) return true;
    there.add(asked);
    return false;
  };
};

/** Applies the items of the request that begins at `at` to the states, all of them or none. Gives where the next begins. */
const applyRequest = (
  context: GroupContext,
  users: ReadonlyMap<string, State>,
  items: readonly Item<UserOperation>[],
  at: number,
  isRepeat: (state: State, key: string) => boolean,
  events: { state: State; operation: EventOperation }[],
): number => {
  const { request } = items[at] as Item;
  const undo: { state: State; now: Properties; bytes: number }[] = [];
  let end = at;
  for (; end < items.length && items[end]?.request === request; end++) {
    const { operation } = items[end] as Item<UserOperation>;
    const state = users.get(operation.userId) as State;
    if (operation.key !== undefined && isRepeat(state, operation.key)) continue;
    if (operation.kind === 'event') {
      events.push({ state, operation });
      continue;
    }
    undo.push({ state, now: state.now, bytes: state.bytes });
    if (operation.kind === 'merge') {
      const asIs = operation.plain === true && state.now === NO_PROPERTIES;
      state.now = asIs ? operation.patch : mergePatch(state.now, operation.patch);
      state.bytes += operation.bytes;
    } else {
      state.now = operation.properties;
      state.bytes = operation.bytes;
    }
  }
  for (const { state } of undo) {
    if (state.bytes <= MAX_USER_PROPERTIES_BYTES) continue;
    state.bytes = Buffer.byteLength(JSON.stringify(state.now));
    if (state.bytes <= MAX_USER_PROPERTIES_BYTES) continue;
    context.refused.set(
      request,
      tooLarge(
        `the properties of user ${quote((items[at] as Item<UserOperation>).operation.userId)} would take more than ${MAX_USER_PROPERTIES_BYTES / 1024} KiB`,
        { hint: 'remove properties that are not needed by setting them to null' },
      ),
    );
    for (const { state: changed, now, bytes } of undo.reverse()) Object.assign(changed, { now, bytes });
    break;
  }
  return end;
};

const writeUsers = async (db: Queryable, context: GroupContext, states: Set<State>): Promise<void> => {
  const { workspaceId, marks } = context;
  const created: State[] = [];
  const changed: State[] = [];
  for (const state of states) {
    const { shard, ordinal } = state;
    if (state.created !== undefined) {
      created.push(state);
      context.created.push({ shard, ordinal, properties: state.now });
    } else if (state.before !== state.now) {
      let changes = 0;
      eachChange(state.before, state.now, (path) => {
        changes += 1;
        marks.property(shard, ordinal, path);
      });
      if (changes > 0) changed.push(state);
    }
  }
  const shards = (of: readonly State[]) => bigints(of.map(({ shard }) => shard));
  const ordinals = (of: readonly State[]) => integers(of.map(({ ordinal }) => ordinal));
  const properties = (of: readonly State[]) => texts(of.map(({ now }) => JSON.stringify(now)));
  if (created.length > 0) {
    const names = texts(created.map((state) => state.created as string));
    const values = [workspaceId, shards(created), ordinals(created), names, properties(created)];
    await db.query({ ...INSERT_USERS, values });
  }
  if (changed.length > 0)
    await db.query({ ...UPDATE_USERS, values: [shards(changed), ordinals(changed), properties(changed)] });
};

const writeEvents = async (
  db: Queryable,
  { marks, eventIds }: GroupContext,
  events: readonly { readonly state: State; readonly operation: EventOperation }[],
): Promise<void> => {
  if (events.length === 0) return;
  const ids = events.map(({ operation }) => eventIds.get(operation.event) as number);
  for (const [i, { state, operation }] of events.entries())
    marks.event(state.shard, state.ordinal, ids[i] as number, Math.floor(operation.at / DAY_MS));
  await db.query({
    ...INSERT_EVENTS,
    values: [
      bigints(events.map(({ state }) => state.shard)),
      integers(events.map(({ state }) => state.ordinal)),
      integers(ids),
      doubles(events.map(({ operation }) => operation.at)),
      texts(events.map(({ operation }) => operation.properties)),
    ],
  });
};
