import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { CHUNK_BITS, EVERY_ORDINAL, shardOf } from '../../src/index/layout.ts';
import type { Progress } from '../progress.ts';
import { copyInto } from './copy.ts';
import { EVENT_NAME, EVENTS_A_USER, type EventRow, eventsOf } from './events.ts';
import { PROPERTIES, propertiesOf, userIdOf, userLines } from './users.ts';

/**
 * Puts users and events straight into the service's tables and marks everything as pending, so that the service folds it by
 * itself: the doors would take an hour for what is not measured here (`import` and `batch` measure them).
 */

export interface Size {
  readonly users: number;
  readonly seed: number;
}

const WORKSPACE = 'default';
const POLL_MS = 200;
const PIECE_BYTES = 64 * 1_024;
/** `foreach` of the shards of so many users. */
const shardsOf = (workspaceId: number, users: number): number[] =>
  Array.from({ length: Math.ceil(users / CHUNK_BITS) }, (_, chunk) => shardOf(workspaceId, chunk * CHUNK_BITS));

/**
 * Sees to it that the database holds these users, and their events where `events` says so. Gives what was loaded.
 *
 * @throws where it holds other users
 */
export const ensureData = async (
  db: pg.ClientBase,
  size: Size,
  events: boolean,
  progress: Progress,
): Promise<{ readonly users: boolean; readonly events: boolean }> => {
  const workspaceId = await workspaceOf(db);
  const held = await db.query<{ users: number; events: boolean }>(
    'select count(*)::integer as users, exists (select from events) as events from users',
  );
  const { users: there = 0, events: eventsThere = false } = held.rows[0] ?? {};
  if (there !== 0 && there !== size.users)
    throw new Error(
      `the database holds ${there} users and not ${size.users}: use another --directory or --database, or --users ${there}`,
    );
  const loaded = { users: there === 0, events: events && !eventsThere };
  if (loaded.users) await inTransaction(db, () => loadUsers(db, workspaceId, size, progress));
  if (loaded.events) await inTransaction(db, () => loadEvents(db, workspaceId, size, progress));
  if (loaded.users || loaded.events) {
    progress('vacuum and analyze');
    await db.query('vacuum (analyze) users');
    await db.query('vacuum (analyze) user_keys');
    await db.query('vacuum (analyze) events');
  }
  return loaded;
};

const workspaceOf = async (db: pg.ClientBase): Promise<number> => {
  const { rows } = await db.query<{ id: number }>('select id from workspaces where name = $1', [WORKSPACE]);
  if (rows[0] === undefined) throw new Error(`there is no workspace "${WORKSPACE}"`);
  return rows[0].id;
};

const inTransaction = async (db: pg.ClientBase, work: () => Promise<void>): Promise<void> => {
  await db.query('begin');
  try {
    await work();
    await db.query('commit');
  } catch (error) {
    await db.query('rollback').catch(() => undefined);
    throw error;
  }
};

const loadUsers = async (
  db: pg.ClientBase,
  workspaceId: number,
  { users, seed }: Size,
  progress: Progress,
): Promise<void> => {
  const said = (done: number): void => progress(`loading users: ${done} of ${users}`);
  const ordinalOf = (number: number): number => number - 1;
  await copyInto(
    db,
    'users (shard, ordinal, external_id, properties)',
    userLines(
      users,
      seed,
      (user) => {
        const ordinal = ordinalOf(user.number);
        return `${shardOf(workspaceId, ordinal)}\t${ordinal}\t${userIdOf(user.number)}\t${propertiesOf(user)}\n`;
      },
      said,
    ),
  );
  progress('loading the keys of users');
  await db.query(
    `insert into user_keys (workspace_id, external_id, ordinal)
     select $1::integer, external_id, ordinal from users order by external_id`,
    [workspaceId],
  );
  await db.query('update workspaces set next_ordinal = $2::integer where id = $1::integer', [workspaceId, users]);
  await db.query(
    `insert into properties (workspace_id, path) select $1::integer, path from unnest($2::text[]) path
     on conflict (workspace_id, path) do nothing`,
    [workspaceId, ['', ...PROPERTIES]],
  );
  await db.query(
    `insert into pending_properties (shard, property_id, ordinal)
     select shard, id, $3::integer from unnest($2::bigint[]) shard cross join properties
     where workspace_id = $1::integer`,
    [workspaceId, shardsOf(workspaceId, users), EVERY_ORDINAL],
  );
};

/** As the service itself names and bounds them (src/ingest/partitions.ts). */
const partitionOf = (at: number): { readonly name: string; readonly from: string; readonly to: string } => {
  const date = new Date(at);
  const first = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)).toISOString().slice(0, 10);
  const next = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)).toISOString().slice(0, 10);
  return { name: `events_${first.slice(0, 7).replace('-', '_')}`, from: first, to: next };
};

/** Month by month into tables that are attached when they are full, so that their indexes are built at once. */
const loadEvents = async (
  db: pg.ClientBase,
  workspaceId: number,
  { users, seed }: Size,
  progress: Progress,
): Promise<void> => {
  const { rows } = await db.query<{ id: number }>(
    'insert into event_names (workspace_id, name) values ($1::integer, $2::text) returning id',
    [workspaceId, EVENT_NAME],
  );
  const eventId = rows[0]?.id ?? 0;
  const total = users * EVENTS_A_USER;
  const events = eventsOf(users, seed, Date.now());
  const lineOf = ({ id, user, at, amount }: EventRow): string =>
    `${shardOf(workspaceId, user - 1)}\t${id}\t${user - 1}\t${eventId}\t${new Date(at).toISOString()}\t{"amount":${amount}}\n`;
  for (let next = events.next(); next.done !== true; ) {
    const { name, from, to } = partitionOf(next.value.at);
    const end = Date.parse(to);
    await db.query(`create table ${name} (like events including defaults including constraints)`);
    const month = function* (): Generator<Buffer> {
      let piece = '';
      for (; next.done !== true && next.value.at < end; next = events.next()) {
        piece += lineOf(next.value);
        if (piece.length < PIECE_BYTES) continue;
        progress(`loading events: ${next.value.id} of ${total}`);
        yield Buffer.from(piece);
        piece = '';
      }
      yield Buffer.from(piece);
    };
    await copyInto(
      db,
      `${name} (shard, id, ordinal, event_id, occurred_at, properties)`,
      Readable.from(month(), { objectMode: false }),
    );
    progress(`indexing the events of ${from.slice(0, 7)}`);
    await db.query(
      `alter table events attach partition ${name} for values from ('${from} 00:00:00+00') to ('${to} 00:00:00+00')`,
    );
    await db.query(
      `insert into pending_events (shard, event_id, day, ordinal)
       select shard, $2::integer, $3::date - date '1970-01-01', $4::integer from unnest($1::bigint[]) shard`,
      [shardsOf(workspaceId, users), eventId, from, EVERY_ORDINAL],
    );
  }
  await db.query(`select setval(pg_get_serial_sequence('events', 'id'), $1::bigint)`, [total]);
};

/** Waits until the service has nothing pending; gives how long that took, ms. */
export const waitUntilFolded = async (db: pg.ClientBase, progress: Progress): Promise<number> => {
  const started = performance.now();
  for (;;) {
    const { rows } = await db.query<{ pending: number }>(
      `select (select count(*) from pending_properties) + (select count(*) from pending_events) as pending`,
    );
    if (rows[0]?.pending === 0) return performance.now() - started;
    progress(`folding: ${rows[0]?.pending} marks are pending`);
    await sleep(POLL_MS);
  }
};
