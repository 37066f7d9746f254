import fc from 'fast-check';
import { references } from '../../../src/conditions/references.ts';
import { openClient } from '../../../src/database/connect.ts';
import { transaction } from '../../../src/database/transaction.ts';
import { ensureProperties, loadCatalogue } from '../../../src/index/catalogue.ts';
import { eraseFromIndex } from '../../../src/index/erase.ts';
import { BUSY_DAY_USERS } from '../../../src/index/fold-events.ts';
import { fold, foldWorkspace, withFoldLock } from '../../../src/index/fold.ts';
import { CHUNK_BITS, DAY_MS, shardOf } from '../../../src/index/layout.ts';
import { rebuild } from '../../../src/index/rebuild.ts';
import { events, traits } from '../../support/arbitraries.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { pendingCount } from '../../support/workspace.ts';
import { decode, decodeCounts, partedDays } from './decode.ts';
import { IndexWorld } from './world.ts';

const SEED = Number(process.env['EVENKEEL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const NOW_MS = Date.UTC(2026, 0, 31, 12);
/** In two chunks, at their edges too. */
const ORDINALS = [0, 1, 2, 7, 8, 100, 31_998, CHUNK_BITS - 1, CHUNK_BITS, CHUNK_BITS + 1, 2 * CHUNK_BITS - 1];

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  process.stdout.write(`fold.test.ts with EVENKEEL_SEED=${SEED}\n`);
});
afterAll(() => database.drop());

const some = <T>(arbitrary: fc.Arbitrary<T>, n: number, salt: number): T[] =>
  fc.sample(arbitrary, { seed: SEED + salt, numRuns: n });

const folding = async (workspaceId: number): Promise<number> => {
  const client = await database.pool.connect();
  return foldWorkspace(client, workspaceId).finally(() => client.release());
};

const expectExact = async (world: IndexWorld): Promise<void> => {
  expect(await decode(world.pool, world.workspaceId)).toEqual(await world.expected());
  const counts = await decodeCounts(world.pool, world.workspaceId);
  expect(counts).toEqual(await world.expectedCounts(partedDays(counts)));
  expect(await pendingCount(world.pool, world.workspaceId)).toBe(0);
};

const writeAll = async (world: IndexWorld, tame: boolean, salt: number): Promise<void> => {
  const users = some(traits(NOW_MS, tame), ORDINALS.length, salt);
  const tracked = some(events(NOW_MS, 8), ORDINALS.length, salt + 1);
  for (const [i, ordinal] of ORDINALS.entries()) {
    await world.write(ordinal, users[i] ?? {});
    const rows = (tracked[i] ?? []).map(({ event, timestamp }) => ({ name: event, ms: Date.parse(timestamp) }));
    if (rows.length > 0) await world.track(ordinal, rows);
  }
};

test('the bitmaps say what the rows say: folded, changed, made finer, erased, rebuilt', async () => {
  for (let round = 0; round < 2; round++) {
    const world = await IndexWorld.open(database.pool, `random ${round}`);
    await writeAll(world, true, 10 * round);
    expect(await folding(world.workspaceId)).toBe(2);
    await expectExact(world);

    // wilder values: other types, finer numbers and dates
    await writeAll(world, false, 10 * round + 2);
    await folding(world.workspaceId);
    await expectExact(world);
    expect((await world.expected()).size).toBeGreaterThan(50);

    await world.write(7, null);
    await world.write(CHUNK_BITS, null);
    await world.write(100, { plan: 'coarse' }, true);
    await folding(world.workspaceId);
    await expectExact(world);

    const client = await database.pool.connect();
    try {
      await client.query('update slices set bits = ~bits where shard / 1048576 = $1 and slice % 3 = 0', [
        world.workspaceId,
      ]);
      await client.query('update event_slices set bits = ~bits, slice = slice + 100 where shard / 1048576 = $1', [
        world.workspaceId,
      ]);
      await client.query('update chunks set users = ~users where workspace_id = $1', [world.workspaceId]);
      await client.query(
        `insert into event_slices select $1::bigint * 1048576, id, 0, -5, 1, ~B'0'::bit(32000) from event_names
         where workspace_id = $1 limit 1`,
        [world.workspaceId],
      );
      await world.write(8, { plan: 'pending while it is rebuilt', many: 0.001 });
      const seen: number[] = [];
      await rebuild(client, world.workspaceId, ({ done }) => seen.push(done));
      expect(seen).toEqual([0, 1, 2]);
      await expectExact(world);

      await withFoldLock(client, world.workspaceId, () =>
        transaction(client, async () => {
          const shard = shardOf(world.workspaceId, 1);
          await client.query('delete from users where shard = $1 and ordinal = 1', [shard]);
          await client.query('delete from events where shard = $1 and ordinal = 1', [shard]);
          await eraseFromIndex(client, shard, 1);
        }),
      );
      await expectExact(world);
    } finally {
      client.release();
    }
  }
});

test('parts are kept of busy days, from the user on who makes them busy', async () => {
  const world = await IndexWorld.open(database.pool, 'busy');
  const noon = Date.UTC(1969, 11, 31, 12);
  const hours = (ordinal: number): number[] =>
    Array.from({ length: 1 + (ordinal % 3) }, (_, i) => (ordinal * 7 + i * 5) % 12);
  const track = (ordinal: number): Promise<void> =>
    world.track(
      ordinal,
      hours(ordinal).map((hour) => ({ name: 'seen', ms: noon + hour * 3_600_000 })),
    );
  const parted = async (): Promise<string[]> => [...partedDays(await decodeCounts(world.pool, world.workspaceId))];
  for (let ordinal = 0; ordinal < BUSY_DAY_USERS - 1; ordinal++) await track(ordinal);
  await world.track(3, [{ name: 'seen', ms: noon - DAY_MS }]);
  await folding(world.workspaceId);
  await expectExact(world);
  expect(await parted()).toEqual([]);

  await track(5000);
  await folding(world.workspaceId);
  await expectExact(world);
  expect(await parted()).toEqual(['seen 0 -1']);

  for (const ordinal of [5000, 1, 2, 31_999, CHUNK_BITS]) await track(ordinal);
  await folding(world.workspaceId);
  await expectExact(world);

  for (const ordinal of [0, CHUNK_BITS]) await world.write(ordinal, {});
  await folding(world.workspaceId);
  const client = await database.pool.connect();
  await client.query('delete from events where ordinal between 10 and 40 and shard / 1048576 = $1', [
    world.workspaceId,
  ]);
  await rebuild(client, world.workspaceId).finally(() => client.release());
  await expectExact(world);
  expect(await parted()).toEqual([]);
});

test('a finer value in one shard recodes the others, whatever the scope is', async () => {
  const world = await IndexWorld.open(database.pool, 'finer');
  const values = [-0, 3, -7, 1e12];
  for (const [i, value] of values.entries()) await world.write(i, { n: value, d: '2020-02-29' });
  await folding(world.workspaceId);
  await expectExact(world);
  const client = await openClient(database.url);
  const ids = await ensureProperties(database.pool, world.workspaceId, ['n', 'd']);
  const other = shardOf(world.workspaceId, CHUNK_BITS);
  const scope = { workspaceId: world.workspaceId, propertyIds: [...ids.values()], eventIds: [], shards: [other] };
  const isPending = async (paths: readonly string[]): Promise<boolean> => {
    const of = paths.map((property) => ({ type: 'property', property, operator: 'is_set' }) as const);
    return (await loadCatalogue(client, world.workspaceId, references({ type: 'any', of }))).pending;
  };
  for (const [n, d, scale, unit] of [
    [0.5, '2020-02-29T10:00', 2, 60_000],
    [0.125, '2020-02-29T10:00:01Z', 3, 1000],
    [0.1 + 0.2, '1969-12-31T23:59:59.999Z', -1, 1],
    [5e-324, '0001-01-01', -1, 1],
    [1e308, '9999-12-31T23:59:59.999Z', -1, 1],
  ] as const) {
    await world.write(CHUNK_BITS, { n, d });
    expect(await isPending(['n', 'd'])).toBe(true);
    await withFoldLock(client, world.workspaceId, () =>
      transaction(client, () => fold(client, scope), { isolation: 'repeatable read' }),
    );
    expect(await isPending(['n', 'd'])).toBe(false);
    await expectExact(world);
    const { rows } = await client.query('select type, scale, unit_ms from columns where property_id = any($1)', [
      [...ids.values()],
    ]);
    expect(rows.find(({ type }) => type === 'number')?.scale).toBe(scale);
    expect(rows.find(({ type }) => type === 'date')?.unit_ms).toBe(unit);
  }
  await client.end();
});

test('folders and writers at once lose nothing', async () => {
  const world = await IndexWorld.open(database.pool, 'at once');
  const clients = await Promise.all([openClient(database.url), openClient(database.url)]);
  let writing = true;
  const writers = [0, 1].map(async (k) => {
    for (const [i, user] of some(traits(NOW_MS, false, 0.8), 40, 77 + k).entries()) {
      const ordinal = ORDINALS[(i * 2 + k) % ORDINALS.length] as number;
      await world.write(ordinal, i % 7 === 6 ? null : user);
      await world.track(ordinal, [{ name: 'purchase', ms: NOW_MS - i * 86_400_000 }]);
    }
  });
  const folders = clients.map(async (client) => {
    let folded = 0;
    while (writing) folded += await foldWorkspace(client, world.workspaceId);
    return folded;
  });
  await Promise.all(writers);
  writing = false;
  expect((await Promise.all(folders)).every((n) => n > 0)).toBe(true);
  await folding(world.workspaceId);
  await expectExact(world);
  await Promise.all(clients.map((client) => client.end()));
});

test('folding twice changes nothing, and writes nothing', async () => {
  const world = await IndexWorld.open(database.pool, 'twice');
  await writeAll(world, false, 500);
  await folding(world.workspaceId);
  const versions = () =>
    database.pool
      .query('select shard, column_id, slice, xmin::text from slices where shard / 1048576 = $1 order by 1, 2, 3', [
        world.workspaceId,
      ])
      .then(({ rows }) => rows);
  const before = await versions();
  expect(before.length).toBeGreaterThan(20);
  await database.pool.query(
    `insert into pending_properties (shard, property_id, ordinal)
     select $1::bigint * 1048576, id, -1 from properties where workspace_id = $1`,
    [world.workspaceId],
  );
  await folding(world.workspaceId);
  expect(await versions()).toEqual(before);
});
