import { silentLog } from '../../../src/core/log.ts';
import { foldWorkspace } from '../../../src/index/fold.ts';
import { applyRequests } from '../../../src/ingest/apply.ts';
import { Intake } from '../../../src/ingest/intake.ts';
import { MAX_USER_PROPERTIES_BYTES, MIN_BESIDE_OPERATIONS } from '../../../src/ingest/limits.ts';
import { parseMessages } from '../../../src/ingest/messages.ts';
import { getUser, mergeUser, replaceUser } from '../../../src/ingest/users.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace, pendingCount, propertiesOf } from '../../support/workspace.ts';

let database: TestDatabase;
let intake: Intake;
let workspaceId: number;
let workspaces = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  intake = newIntake();
});
beforeEach(async () => {
  workspaceId = await createWorkspace(database.pool, `w${++workspaces}`);
});
afterAll(async () => {
  await intake?.close();
  await database?.drop();
});

const newIntake = (): Intake => new Intake({ pool: database.pool, log: silentLog, onApplied: () => undefined });
const send = (messages: readonly object[], through = intake): Promise<void> =>
  through.accept(workspaceId, parseMessages({ batch: messages }, 'batch', Date.now()));
const identify = (userId: string, traits: object, more: object = {}) => ({ type: 'identify', userId, traits, ...more });
const track = (userId: string, event: string, more: object = {}) => ({ type: 'track', userId, event, ...more });
const rows = async (text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> =>
  (await database.pool.query(text, [...values])).rows;
const inWorkspace = 'shard >> 20 = $1';
const pendingPaths = async (): Promise<string[]> =>
  (
    await rows(
      `select distinct p.path from pending_properties m join properties p on p.id = m.property_id where ${inWorkspace} order by 1`,
      [workspaceId],
    )
  ).map(({ path }) => path as string);

describe('one request', () => {
  test('creates users with dense ordinals, merges, removes and expands dotted keys', async () => {
    await send([
      identify('a', { plan: 'pro', 'address.city': 'Oslo', seats: 5 }),
      identify('b', { plan: 'free' }),
      identify('a', { plan: null, address: { zip: '0150' }, seats: 6 }),
    ]);
    const users = await propertiesOf(database.pool, workspaceId);
    expect(users.get('a')).toMatchObject({
      ordinal: 0,
      properties: { address: { city: 'Oslo', zip: '0150' }, seats: 6 },
    });
    expect(users.get('b')).toMatchObject({ ordinal: 1, properties: { plan: 'free' } });
    expect(users.get('a')?.properties).not.toHaveProperty('plan');
    expect(await pendingPaths()).toEqual(['', 'address', 'address.city', 'address.zip', 'plan', 'seats']);
  });

  test('notes only what has changed, at every level', async () => {
    await send([identify('a', { plan: 'pro', address: { city: 'Oslo' }, tags: ['x', { y: 1 }], n: 1 })]);
    await database.pool.query('delete from pending_properties');
    const before = await rows(`select xmin::text from users where ${inWorkspace}`, [workspaceId]);
    await send([identify('a', { plan: 'pro', address: { city: 'Oslo' }, tags: ['x', { y: 1 }], n: 1 })]);
    expect(await pendingPaths()).toEqual([]);
    expect(await rows(`select xmin::text from users where ${inWorkspace}`, [workspaceId])).toEqual(before);
    await send([identify('a', { address: { city: 'Bergen' }, n: '1' })]);
    expect(await pendingPaths()).toEqual(['address.city', 'n']);
    await send([identify('a', { address: 'none' })]);
    expect(await pendingPaths()).toEqual(['address', 'address.city', 'n']);
  });

  test('a key that means something to JavaScript is a key like any other', async () => {
    const traits = JSON.parse('{"__proto__": {"x": 1}, "constructor": "c", "toString": 1}') as object;
    await send([identify('a', traits), identify('__proto__', { plan: 'pro' })]);
    const { rows: found } = await database.pool.query<{ properties: string }>(
      `select properties::text from users where ${inWorkspace} order by ordinal`,
      [workspaceId],
    );
    expect(JSON.parse(found[0]!.properties)).toEqual(traits);
    await send([identify('a', JSON.parse('{"__proto__": {"x": 2}, "constructor": null}') as object)]);
    expect(await getUser(database.pool, workspaceId, 'a').then((user) => Object.keys(user.properties).sort())).toEqual([
      '__proto__',
      'toString',
    ]);
    expect(await pendingPaths()).toEqual(['', '__proto__', '__proto__.x', 'constructor', 'plan', 'toString']);
  });

  test('counts a repeat of a messageId once, in one batch, later, and from two doors at once', async () => {
    const one = track('a', 'purchase', { messageId: 'm1' });
    await send([one, one, track('b', 'purchase', { messageId: 'm1' })]);
    const other = newIntake();
    await Promise.all([
      send([one, track('a', 'purchase', { messageId: 'm2' })]),
      send([track('a', 'purchase', { messageId: 'm2' })], other),
    ]);
    await other.close();
    expect(
      await rows(`select ordinal, count(*)::integer as n from events where ${inWorkspace} group by 1 order by 1`, [
        workspaceId,
      ]),
    ).toEqual([
      { ordinal: 0, n: 2 },
      { ordinal: 1, n: 1 },
    ]);
  });

  test('an old identify that comes again does not undo a newer one', async () => {
    await send([identify('a', { plan: 'free' }, { messageId: 'first' })]);
    await send([identify('a', { plan: 'pro' }, { messageId: 'second' })]);
    await send([identify('a', { plan: 'free' }, { messageId: 'first' })]);
    expect((await getUser(database.pool, workspaceId, 'a')).properties).toEqual({ plan: 'pro' });
  });

  test('keeps event times to the millisecond, in a partition of their month', async () => {
    const times = [
      '0001-01-01T00:00:00+15:59',
      '1969-12-31T23:59:59.999Z',
      '1990-01-01',
      '2024-02-29T23:59:59.999Z',
      '2100-12-31T23:59:59.999Z',
      '9999-12-31T23:59:59.999-15:59',
    ];
    await send(times.map((timestamp) => track('a', 'e', { timestamp })));
    const found = await rows(
      `select (extract(epoch from occurred_at) * 1000)::bigint as ms, tableoid::regclass::text as partition from events where ${inWorkspace} order by 1`,
      [workspaceId],
    );
    expect(found).toEqual([
      { ms: Date.UTC(2000, 0, 1) - 63082281600000 - (15 * 60 + 59) * 60_000, partition: 'events_default' },
      { ms: -1, partition: 'events_default' },
      { ms: Date.UTC(1990, 0, 1), partition: 'events_1990_01' },
      { ms: Date.UTC(2024, 2, 1) - 1, partition: 'events_2024_02' },
      { ms: Date.UTC(2101, 0, 1) - 1, partition: 'events_2100_12' },
      { ms: Date.UTC(10000, 0, 1) - 1 + (15 * 60 + 59) * 60_000, partition: 'events_default' },
    ]);
  });

  test('page, screen and group', async () => {
    await send([
      { type: 'page', userId: 'a', name: 'Home', properties: { url: '/' } },
      { type: 'screen', anonymousId: 'anon', name: 'Start' },
      { type: 'group', userId: 'a', groupId: 'acme', traits: { seats: 5 } },
    ]);
    const events = await rows(
      `select n.name, e.properties from events e join event_names n on n.id = e.event_id where ${inWorkspace} order by 1`,
      [workspaceId],
    );
    expect(events).toEqual([
      { name: 'page', properties: { url: '/', name: 'Home' } },
      { name: 'screen', properties: { name: 'Start' } },
    ]);
    expect((await getUser(database.pool, workspaceId, 'a')).properties).toEqual({ group: { id: 'acme', seats: 5 } });
  });
});

describe('several at once', () => {
  test('a request that cannot be applied is refused alone', async () => {
    const big = 'x'.repeat(MAX_USER_PROPERTIES_BYTES / 10);
    const merge = (userId: string, patch: object) =>
      ({ kind: 'merge', userId, patch: patch as never, bytes: JSON.stringify(patch).length }) as const;
    const outcomes = await applyRequests(database.pool, workspaceId, [
      [merge('a', { x: 1 })],
      [merge('new', { y: 1 }), ...Array.from({ length: 11 }, (_, i) => merge('a', { [`big${i}`]: big }))],
      [merge('a', { z: 2 })],
    ]);
    expect(outcomes.map((outcome) => (outcome as { status?: number })?.status)).toEqual([undefined, 413, undefined]);
    const users = await propertiesOf(database.pool, workspaceId);
    expect([...users.keys()]).toEqual(['a']);
    expect(users.get('a')?.properties).toEqual({ x: 1, z: 2 });
  });

  test('requests that come while one is applied are applied together, in order', async () => {
    const sizes: number[] = [];
    const grouping = new Intake({
      pool: database.pool,
      log: silentLog,
      onApplied: ({ requests }) => sizes.push(requests),
    });
    await Promise.all(Array.from({ length: 50 }, (_, n) => send([identify('a', { n, [`k${n % 3}`]: n })], grouping)));
    await grouping.close();
    expect(sizes).toEqual([1, 49]);
    expect((await getUser(database.pool, workspaceId, 'a')).properties).toEqual({ n: 49, k0: 48, k1: 49, k2: 47 });
  });

  describe('beside a transaction that takes its time', () => {
    const many = (userId: string) =>
      Array.from({ length: MIN_BESIDE_OPERATIONS }, (_, n) => track(userId, `e${n % 2}`));
    let sizes: number[];
    let door: Intake;

    /** Runs `work` while the first request, about the user a, waits for a's row. Gives when all that it sends is stored. */
    const besideA = async (work: () => Promise<readonly Promise<void>[]>): Promise<void> => {
      await send([identify('a', { n: 0 }), identify('b', {}), identify('c', {})]);
      sizes = [];
      door = new Intake({ pool: database.pool, log: silentLog, onApplied: ({ requests }) => sizes.push(requests) });
      const holder = await database.pool.connect();
      let sent: readonly Promise<void>[] = [];
      try {
        await holder.query('begin');
        await holder.query('select from users where shard >> 20 = $1 and ordinal = 0 for update', [workspaceId]);
        const first = send([identify('a', { n: 1 })], door);
        sent = [first, ...(await work())];
      } finally {
        await holder.query('commit');
        holder.release();
      }
      await Promise.all(sent);
      await door.close();
    };

    test('another of others is applied, and nobody overtakes', async () => {
      await besideA(async () => {
        await send(many('b'), door);
        expect(sizes).toEqual([1]);
        const both = send([identify('a', { n: 2 }), identify('b', { n: 2 }), ...many('c')], door);
        return [both, send([identify('c', { n: 3 }), ...many('c')], door)];
      });
      expect(sizes).toEqual([1, 1, 2]);
      const users = await propertiesOf(database.pool, workspaceId);
      expect(['a', 'b', 'c'].map((id) => users.get(id)?.properties)).toEqual([{ n: 2 }, { n: 2 }, { n: 3 }]);
      expect(await rows(`select count(*)::integer as n from events where ${inWorkspace}`, [workspaceId])).toEqual([
        { n: 3 * MIN_BESIDE_OPERATIONS },
      ]);
    });

    test('few wait for what comes next, and an alias for everybody', async () => {
      await besideA(async () => [
        send([identify('b', { n: 1 })], door),
        send([{ type: 'alias', previousId: 'c', userId: 'b' }], door),
        send(many('c'), door),
      ]);
      expect(sizes).toEqual([1, 3]);
      const users = await propertiesOf(database.pool, workspaceId);
      expect([...users.keys()]).toEqual(['a', 'b']);
      expect(
        await rows(`select ordinal, count(*)::integer as n from events where ${inWorkspace} group by 1`, [workspaceId]),
      ).toEqual([{ ordinal: users.get('b')?.ordinal, n: MIN_BESIDE_OPERATIONS }]);
    });
  });

  test('two intakes that write to the same new users lose and double nothing', async () => {
    const doors = [newIntake(), newIntake(), newIntake()];
    const USERS = 40;
    const ROUNDS = 30;
    await Promise.all(
      doors.map(async (door, d) => {
        for (let round = 0; round < ROUNDS; round++) {
          const people = Array.from({ length: 8 }, (_, i) => `u${(round * 7 + i * (d + 1)) % USERS}`);
          await send(
            people.flatMap((id) => [identify(id, { [`door${d}`]: round }), track(id, `e${d}`)]),
            door,
          );
        }
      }),
    );
    await Promise.all(doors.map((door) => door.close()));
    const [counts] = await rows(
      `select count(*)::integer as users, count(distinct ordinal)::integer as ordinals, max(ordinal) as last,
              (select count(*)::integer from user_keys where workspace_id = $1) as keys,
              (select count(*)::integer from events where ${inWorkspace}) as events,
              (select next_ordinal from workspaces where id = $1) as next
       from users where ${inWorkspace}`,
      [workspaceId],
    );
    expect(counts).toEqual({
      users: USERS,
      ordinals: USERS,
      last: USERS - 1,
      keys: USERS,
      events: 3 * 8 * ROUNDS,
      next: USERS,
    });
    const users = await propertiesOf(database.pool, workspaceId);
    for (let d = 0; d < 3; d++) {
      const last = new Map<string, number>();
      for (let round = 0; round < ROUNDS; round++)
        for (let i = 0; i < 8; i++) last.set(`u${(round * 7 + i * (d + 1)) % USERS}`, round);
      for (const [id, round] of last) expect(users.get(id)?.properties).toHaveProperty(`door${d}`, round);
    }
  });

  test('says that it is busy rather than take more than it may hold', async () => {
    const small = new Intake({ pool: database.pool, log: silentLog, onApplied: () => undefined, maxWaitingBytes: 200 });
    const first = send([identify('a', { text: 'x'.repeat(300) })], small);
    await expect(send([identify('b', {})], small)).rejects.toMatchObject({ status: 503, code: 'busy' });
    await first;
    await send([identify('b', {})], small);
    await small.close();
    await expect(send([identify('c', {})], small)).rejects.toMatchObject({ status: 503, code: 'stopping' });
  });

  test('a connection that is lost in the middle is tried again, and nothing is doubled', async () => {
    let killed = 0;
    const killer = (async () => {
      for (let i = 0; i < 40; i++) {
        const { rowCount } = await database.pool
          .query(
            `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and query like any ($1)`,
            [['%unnest%', 'begin%', 'commit%', '%user_keys%']],
          )
          .catch(() => ({ rowCount: 0 }));
        killed += rowCount ?? 0;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    for (let n = 0; n < 60; n++) await send([identify('a', { n }), track('a', 'e'), track(`u${n}`, 'e')]);
    await killer;
    expect(killed).toBeGreaterThan(3);
    expect(await rows(`select count(*)::integer as n from events where ${inWorkspace}`, [workspaceId])).toEqual([
      { n: 120 },
    ]);
    expect((await getUser(database.pool, workspaceId, 'a')).properties).toEqual({ n: 59 });
  });

  test('two processes make the same partition once', async () => {
    const months = Array.from({ length: 6 }, (_, i) => `2031-0${i + 1}-05`);
    const doors = [newIntake(), newIntake(), newIntake()];
    await Promise.all(
      doors.map((door) =>
        send(
          months.map((timestamp) => track('a', 'e', { timestamp })),
          door,
        ),
      ),
    );
    await Promise.all(doors.map((door) => door.close()));
    expect(
      await rows(
        `select count(distinct tableoid)::integer as n, count(*)::integer as events from events where ${inWorkspace}`,
        [workspaceId],
      ),
    ).toEqual([{ n: 6, events: 18 }]);
  });
});

describe('one user', () => {
  test('is replaced, merged and read', async () => {
    const put = await replaceUser(database.pool, workspaceId, 'zoë/1', { a: 1, b: { c: 2, gone: null }, gone: null });
    expect(put).toMatchObject({ userId: 'zoë/1', properties: { a: 1, b: { c: 2 } } });
    const patched = await mergeUser(database.pool, workspaceId, 'zoë/1', { a: null, b: { d: 3 } });
    expect(patched.properties).toEqual({ b: { c: 2, d: 3 } });
    expect(Date.parse(patched.updatedAt)).toBeGreaterThanOrEqual(Date.parse(put.updatedAt));
    await expect(getUser(database.pool, workspaceId, 'nobody')).rejects.toMatchObject({ status: 404 });
    expect(() => replaceUser(database.pool, workspaceId, '', {})).toThrow(/userId/);
    expect(() => mergeUser(database.pool, workspaceId, 'a', { 'x..y': 1 })).toThrow(/dots/);
  });

  test('is folded away with what is pending', async () => {
    await send([identify('a', { plan: 'pro' }), track('a', 'e')]);
    expect(await pendingCount(database.pool, workspaceId)).toBeGreaterThan(0);
    const client = await database.pool.connect();
    await foldWorkspace(client, workspaceId).finally(() => client.release());
    expect(await pendingCount(database.pool, workspaceId)).toBe(0);
  });
});
