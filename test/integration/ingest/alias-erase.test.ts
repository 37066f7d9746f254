import type pg from 'pg';
import { silentLog } from '../../../src/core/log.ts';
import { foldWorkspace } from '../../../src/index/fold.ts';
import { eraseUser, getUser } from '../../../src/ingest/users.ts';
import { Intake } from '../../../src/ingest/intake.ts';
import { MAX_USER_PROPERTIES_BYTES } from '../../../src/ingest/limits.ts';
import { parseMessages } from '../../../src/ingest/messages.ts';
import { runBackgroundTask } from '../../../src/ingest/run-task.ts';
import { calculate, openWorld, type World } from '../../support/world.ts';
import { continueOrdinalsAt, createWorkspace, propertiesOf, snapshotMembers } from '../../support/workspace.ts';

const CHUNK_BITS = 32_000;

let world: World;
let workspaceId: number;
let workspaces = 0;

beforeAll(async () => {
  world = await openWorld();
});
beforeEach(async () => {
  workspaceId = await createWorkspace(world.pool, `w${++workspaces}`);
});
afterAll(() => world?.close());

const send = (messages: readonly object[], intake = world.intake): Promise<void> =>
  intake.accept(workspaceId, parseMessages({ batch: messages }, 'batch', Date.now()));
const identify = (userId: string, traits: object) => ({ type: 'identify', userId, traits });
const track = (userId: string, event: string, more: object = {}) => ({ type: 'track', userId, event, ...more });
const alias = (previousId: string, userId: string) => ({ type: 'alias', previousId, userId });
const property = (name: string, value: unknown) => ({ type: 'property', property: name, operator: 'equals', value });
const did = (event: string, exactly: number) => ({ type: 'event', event, count: { exactly } });
const membersOf = async (condition: object): Promise<string[]> => {
  const done = await calculate(world.client, world.pool, workspaceId, condition as never);
  const { members, bits } = await snapshotMembers(world.pool, done.snapshotId);
  expect({ members: done.members, bits }).toEqual({ members: members.length, bits: members.length });
  return members;
};
const userIds = async (): Promise<string[]> => [...(await propertiesOf(world.pool, workspaceId)).keys()].sort();
const EVERYBODY = { type: 'all', of: [] };

describe('alias', () => {
  test('of two users makes one: properties, events, keys of messages, index and snapshots', async () => {
    await send([identify('first', {})]);
    await continueOrdinalsAt(world.pool, workspaceId, CHUNK_BITS - 1);
    await send([
      identify('anon', { plan: 'free', utm: 'ad', address: { city: 'Oslo', zip: '1' } }),
      track('anon', 'visit', { messageId: 'v1' }),
      track('anon', 'visit', { messageId: 'v2' }),
      identify('known', { plan: 'pro', address: { city: 'Bergen' } }),
      track('known', 'visit', { messageId: 'v3' }),
    ]);
    const both = await calculate(world.client, world.pool, workspaceId, EVERYBODY, 'both');
    const free = await calculate(world.client, world.pool, workspaceId, property('plan', 'free'), 'free');
    await send([alias('anon', 'known')]);
    expect(await getUser(world.pool, workspaceId, 'anon')).toMatchObject({
      userId: 'known',
      properties: { plan: 'pro', utm: 'ad', address: { city: 'Bergen', zip: '1' } },
    });
    expect(await userIds()).toEqual(['first', 'known']);
    expect(await snapshotMembers(world.pool, both.snapshotId)).toEqual({ members: ['first', 'known'], bits: 2 });
    expect(await snapshotMembers(world.pool, free.snapshotId)).toEqual({ members: ['known'], bits: 1 });
    const { rows } = await world.pool.query('select members from snapshots where id = any($1) order by id', [
      [both.snapshotId, free.snapshotId],
    ]);
    expect(rows).toEqual([{ members: 2 }, { members: 1 }]);
    expect(await membersOf(did('visit', 3))).toEqual(['known']);
    expect(await membersOf(property('plan', 'free'))).toEqual([]);
    expect(await membersOf(property('utm', 'ad'))).toEqual(['known']);
    expect(await membersOf(property('address.zip', '1'))).toEqual(['known']);
    expect(await membersOf(EVERYBODY)).toEqual(['first', 'known']);
    // what came under the old name comes again
    await send([track('anon', 'visit', { messageId: 'v1' }), track('anon', 'visit', { messageId: 'v4' })]);
    expect(await membersOf(did('visit', 4))).toEqual(['known']);
  });

  test('of names that are not known', async () => {
    await send([identify('known', { a: 1 }), alias('later', 'known'), identify('later', { b: 2 })]);
    expect(await getUser(world.pool, workspaceId, 'known')).toMatchObject({ properties: { a: 1, b: 2 } });
    await send([identify('old', { c: 3 }), alias('old', 'new')]);
    expect(await getUser(world.pool, workspaceId, 'old')).toMatchObject({ userId: 'new', properties: { c: 3 } });
    await send([alias('x', 'y'), track('x', 'e')]);
    expect(await getUser(world.pool, workspaceId, 'x')).toMatchObject({ userId: 'y', properties: {} });
    await send([alias('self', 'self')]);
    expect(await userIds()).toEqual(['known', 'new', 'self', 'y']);
    expect(await membersOf(did('e', 1))).toEqual(['y']);
  });

  test('again, in chains and in circles ends in one user', async () => {
    await send(['a', 'b', 'c', 'd'].flatMap((id) => [identify(id, { [id]: 1, last: id }), track(id, 'e')]));
    await send([alias('a', 'b'), alias('b', 'c'), alias('c', 'd'), alias('d', 'a'), alias('a', 'b')]);
    expect(await userIds()).toEqual(['d']);
    for (const id of ['a', 'b', 'c', 'd'])
      expect(await getUser(world.pool, workspaceId, id)).toMatchObject({
        userId: 'd',
        properties: { a: 1, b: 1, c: 1, d: 1, last: 'd' },
      });
    expect(await membersOf(did('e', 4))).toEqual(['d']);
  });

  test('locks whom its batch names in one order, so that nobody waits in a circle', async () => {
    await send(['a', 'b', 'c'].map((id) => identify(id, {})));
    const ordinals = await propertiesOf(world.pool, workspaceId);
    const lock = async (client: pg.ClientBase, id: string, wait = ''): Promise<number | null> =>
      (
        await client.query(`select from users where shard >> 20 = $1 and ordinal = $2 for update ${wait}`, [
          workspaceId,
          ordinals.get(id)?.ordinal,
        ])
      ).rowCount;
    const other = await world.pool.connect();
    try {
      await other.query('begin');
      await lock(other, 'a');
      const sent = send([identify('c', { n: 1 }), alias('a', 'b')]);
      for (let waiting = 0; waiting === 0; )
        waiting =
          (
            await world.pool.query(
              `select from pg_locks l join pg_stat_activity s using (pid) where s.datname = current_database() and not l.granted`,
            )
          ).rowCount ?? 0;
      expect(await lock(other, 'c', 'nowait')).toBe(1);
      await other.query('commit');
      await sent;
    } finally {
      other.release();
    }
    expect(await userIds()).toEqual(['b', 'c']);
  });

  test('keeps its place among the operations of a batch', async () => {
    await send([identify('k', { n: 0 })]);
    await send([
      identify('anon', { n: 1, first: true }),
      alias('anon', 'k'),
      identify('anon', { n: 2 }),
      track('k', 'e'),
    ]);
    expect(await getUser(world.pool, workspaceId, 'k')).toMatchObject({ properties: { n: 2, first: true } });
  });

  test('that would make a user too large is refused with its whole request', async () => {
    const half = Object.fromEntries(
      Array.from({ length: 6 }, (_, i) => [i, 'x'.repeat(MAX_USER_PROPERTIES_BYTES / 10)]),
    );
    const parts = (prefix: string) => Object.entries(half).map(([k, v]) => identify(prefix, { [`${prefix}${k}`]: v }));
    await send(parts('a'));
    await send(parts('b'));
    await expect(send([identify('c', {}), alias('a', 'b')])).rejects.toMatchObject({ status: 413 });
    expect(await userIds()).toEqual(['a', 'b']);
  });

  test('from many doors at once, while users write', async () => {
    const doors = Array.from(
      { length: 3 },
      () => new Intake({ pool: world.pool, log: silentLog, onApplied: () => undefined }),
    );
    const ids = Array.from({ length: 12 }, (_, i) => `u${i}`);
    let sent = 0;
    await Promise.all(
      doors.map(async (door, d) => {
        for (let round = 0; round < 25; round++) {
          const some = (salt: number) => ids[(round * 5 + d * 3 + salt) % ids.length] as string;
          sent += 2;
          await send([track(some(0), 'e'), alias(some(1), some(2)), track(some(3), 'e')], door);
        }
      }),
    );
    await Promise.all(doors.map((door) => door.close()));
    const { rows } = await world.pool.query<{ events: number; users: number; lost: number }>(
      `select (select count(*)::integer from events where shard >> 20 = $1) as events,
              (select count(*)::integer from users where shard >> 20 = $1) as users,
              (select count(*)::integer from events e where e.shard >> 20 = $1 and not exists (
                 select from users u where u.shard = e.shard and u.ordinal = e.ordinal)) as lost`,
      [workspaceId],
    );
    expect(rows[0]).toMatchObject({ events: sent, lost: 0 });
    expect(await membersOf(EVERYBODY)).toHaveLength(rows[0]!.users);
    const client = await world.pool.connect();
    await foldWorkspace(client, workspaceId).finally(() => client.release());
    expect(await membersOf(EVERYBODY)).toHaveLength(rows[0]!.users);
  });
});

/** Every text, number and list of every table of the database, as one long text a table. */
const dump = async (): Promise<Map<string, string>> => {
  const tables = await world.pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const texts = new Map<string, string>();
  for (const { name } of tables.rows) {
    const { rows } = await world.pool.query<{ text: string | null }>(
      `select string_agg(t::text, E'\\n') as text from ${name} t`,
    );
    texts.set(name, rows[0]?.text ?? '');
  }
  return texts;
};
const tablesWith = async (text: string): Promise<string[]> =>
  [...(await dump())].filter(([, all]) => all.includes(text)).map(([name]) => name);

describe('erasing', () => {
  test('leaves no trace of the user in any table, under none of its names', async () => {
    await send([
      identify('stays', { plan: 'pro', tags: ['shared'] }),
      identify('anon-zq9', { utm: 'utm-only-mine' }),
      identify('zoe-zq9', {
        plan: 'pro',
        note: 'note-only-mine',
        tags: ['shared', 'tag-only-mine'],
        address: { city: 'city-only-mine' },
      }),
      track('zoe-zq9', 'purchase', { properties: { sku: 'sku-only-mine' }, messageId: 'message-1' }),
      track('stays', 'purchase'),
      alias('anon-zq9', 'zoe-zq9'),
    ]);
    const snapshot = await calculate(world.client, world.pool, workspaceId, property('plan', 'pro'), 'pros');
    await runBackgroundTask(world.pool, { kind: 'fold', workspaceId });
    await send([identify('zoe-zq9', { pending: 'pending-only-mine' })]);
    expect((await tablesWith('only-mine')).sort()).toContain('public.dictionary');
    await eraseUser(world.pool, workspaceId, 'anon-zq9');
    await runBackgroundTask(world.pool, { kind: 'sweep', workspaceId });
    expect(await tablesWith('only-mine')).toEqual([]);
    expect(await tablesWith('zq9')).toEqual([]);
    const places = await world.pool.query(
      `select (select count(*)::integer from events where shard >> 20 = $1) as events,
              (select count(*)::integer from message_keys where shard >> 20 = $1) as keys,
              (select count(*)::integer from pending_properties where shard >> 20 = $1) as pending,
              (select members from snapshots where id = $2) as members,
              (select sum(bit_count(users))::integer from chunks where workspace_id = $1) as population,
              (select max(bit_count(bits))::integer from slices s where shard >> 20 = $1) as most,
              (select sweep_requested_at from workspaces where id = $1) as asked`,
      [workspaceId, snapshot.snapshotId],
    );
    expect(places.rows).toEqual([{ events: 1, keys: 1, pending: 0, members: 1, population: 1, most: 1, asked: null }]);
    expect(await snapshotMembers(world.pool, snapshot.snapshotId)).toEqual({ members: ['stays'], bits: 1 });
    expect(await membersOf({ type: 'property', property: 'tags', operator: 'includes', value: 'shared' })).toEqual([
      'stays',
    ]);
  });

  test('says 404 where there is nobody, and who comes again is somebody new', async () => {
    await send([identify('a', { plan: 'pro' }), track('a', 'e', { messageId: 'm' })]);
    await membersOf(property('plan', 'pro'));
    await eraseUser(world.pool, workspaceId, 'a');
    await expect(eraseUser(world.pool, workspaceId, 'a')).rejects.toMatchObject({ status: 404 });
    await expect(getUser(world.pool, workspaceId, 'a')).rejects.toMatchObject({ status: 404 });
    expect(await membersOf(property('plan', 'pro'))).toEqual([]);
    await send([identify('a', {}), track('a', 'e', { messageId: 'm' })]);
    expect((await propertiesOf(world.pool, workspaceId)).get('a')).toMatchObject({ ordinal: 1, properties: {} });
    expect(await membersOf(did('e', 1))).toEqual(['a']);
    expect(await membersOf(EVERYBODY)).toEqual(['a']);
  });

  test('while others write to the same user never leaves half of one', async () => {
    let erased = 0;
    const until = Date.now() + 2_500;
    const writer = async () => {
      const door = new Intake({ pool: world.pool, log: silentLog, onApplied: () => undefined });
      while (Date.now() < until) await send([identify('a', { n: Date.now() }), track('a', 'e'), track('b', 'e')], door);
      await door.close();
    };
    const eraser = async () => {
      while (Date.now() < until)
        await eraseUser(world.pool, workspaceId, 'a').then(
          () => (erased += 1),
          (error: { status?: number }) => expect(error.status).toBe(404),
        );
    };
    await Promise.all([writer(), writer(), eraser()]);
    expect(erased).toBeGreaterThan(3);
    const orphans = await world.pool.query(
      `select 'event' as what from events e where shard >> 20 = $1 and not exists (select from users u where u.shard = e.shard and u.ordinal = e.ordinal)
       union all select 'key' from message_keys e where shard >> 20 = $1 and not exists (select from users u where u.shard = e.shard and u.ordinal = e.ordinal)
       union all select 'name' from user_keys k where workspace_id = $1 and not exists (select from users u where u.shard >> 20 = $1 and u.ordinal = k.ordinal)`,
      [workspaceId],
    );
    expect(orphans.rows).toEqual([]);
    const people = await userIds();
    expect(await membersOf(EVERYBODY)).toEqual(people);
    expect(await membersOf({ type: 'event', event: 'e' })).toEqual(people);
  });
});
