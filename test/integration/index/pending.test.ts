import { openPool } from '../../../src/database/connect.ts';
import { ensureEvents, ensureProperties, MAX_PROPERTIES } from '../../../src/index/catalogue.ts';
import { foldWorkspace, withFoldLock } from '../../../src/index/fold.ts';
import { CHUNK_BITS, DAY_MS, shardOf } from '../../../src/index/layout.ts';
import { MAX_MARKS, notePending } from '../../../src/index/pending.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace } from '../../support/workspace.ts';
import { decode, decodeCounts, partedDays } from './decode.ts';
import { IndexWorld } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('marks are noted once each, and too many of them as one for everybody', async () => {
  await notePending(database.pool, {
    properties: [
      { shard: 1, propertyId: 1, ordinal: 5 },
      { shard: 1, propertyId: 1, ordinal: 5 },
      { shard: 1, propertyId: 2, ordinal: 5 },
      { shard: 1, propertyId: 2, ordinal: -1 },
      { shard: 1, propertyId: 2, ordinal: 6 },
      ...Array.from({ length: MAX_MARKS + 2 }, (_, ordinal) => ({ shard: 2, propertyId: 1, ordinal })),
      ...Array.from({ length: MAX_MARKS }, (_, ordinal) => ({ shard: 3, propertyId: 1, ordinal })),
    ],
    events: [
      { shard: 1, eventId: 1, day: 0, ordinal: 5 },
      { shard: 1, eventId: 1, day: 1, ordinal: 5 },
      { shard: 1, eventId: 1, day: 31, ordinal: -1 },
    ],
  });
  const properties = await database.pool.query(
    'select shard, property_id, count(*)::int as n, min(ordinal) as low from pending_properties group by 1, 2 order by 1, 2',
  );
  expect(properties.rows).toEqual([
    { shard: 1, property_id: 1, n: 1, low: 5 },
    { shard: 1, property_id: 2, n: 1, low: -1 },
    { shard: 2, property_id: 1, n: 1, low: -1 },
    { shard: 3, property_id: 1, n: MAX_MARKS, low: 0 },
  ]);
  const events = await database.pool.query('select day, ordinal from pending_events order by day');
  expect(events.rows).toEqual([
    { day: 0, ordinal: 5 },
    { day: 1, ordinal: 5 },
    { day: 31, ordinal: -1 },
  ]);
});

test('names get one id for ever, however many ask at once, and a workspace has no more than its limit', async () => {
  const workspaceId = await createWorkspace(database.pool, 'names');
  const pools = [database.pool, openPool(database.url)];
  const paths = ['a', 'a.b', '', '__proto__', 'naïve.π', "it's"];
  const [first, second] = await Promise.all(pools.map((pool) => ensureProperties(pool, workspaceId, paths)));
  expect(second).toEqual(first);
  expect([...(first?.keys() ?? [])].sort()).toEqual([...paths].sort());
  expect(await ensureProperties(database.pool, workspaceId, ['a'])).toEqual(new Map([['a', first?.get('a')]]));
  expect((await ensureEvents(database.pool, workspaceId, ['a'])).size).toBe(1);
  await database.pool.query(
    `insert into properties (workspace_id, path) select $1, 'p' || n from generate_series(1, $2::int) n`,
    [workspaceId, MAX_PROPERTIES - paths.length],
  );
  await expect(ensureProperties(database.pool, workspaceId, ['a', 'one more'])).rejects.toMatchObject({
    status: 422,
    message: `a workspace has at most ${MAX_PROPERTIES} properties, and "one more" would be one more`,
  });
  expect((await ensureProperties(database.pool, workspaceId, ['a', 'p7'])).size).toBe(2);
  await pools[1]?.end();
});

test('shards with few marks are folded together, one with a mark for everybody by itself', async () => {
  const world = await IndexWorld.open(database.pool, 'together');
  const { pool, workspaceId } = world;
  const fold = async (): Promise<string[][]> => {
    const client = await pool.connect();
    await foldWorkspace(client, workspaceId).finally(() => client.release());
    const { rows } = await pool.query<{ chunks: string[] }>(
      `select array_agg(distinct (shard % 1048576)::text order by (shard % 1048576)::text) as chunks
       from slices where shard / 1048576 = $1 group by xmin::text order by 1`,
      [workspaceId],
    );
    return rows.map(({ chunks }) => chunks);
  };
  for (const chunk of [0, 1, 3]) await world.write(chunk * CHUNK_BITS, { n: chunk, plan: 'pro' });
  await world.write(2 * CHUNK_BITS, { n: 2, plan: 'pro' }, true);
  expect(await fold()).toEqual([['0', '1'], ['2'], ['3']]);
  expect(await decode(pool, workspaceId)).toEqual(await world.expected());
  for (const chunk of [0, 1, 2, 3]) await world.write(chunk * CHUNK_BITS, { n: -chunk / 2, plan: `${chunk}`, x: true });
  await fold();
  expect(await decode(pool, workspaceId)).toEqual(await world.expected());
});

test('a whole chunk of users, by mark for everybody and one by one', async () => {
  const world = await IndexWorld.open(database.pool, 'chunk');
  const { pool, workspaceId } = world;
  await world.write(0, { n: 1, text: 'x', long: 'y'.repeat(100_000) });
  await world.track(0, [{ name: 'page', ms: 0 }]);
  await pool.query(
    `insert into users (shard, ordinal, external_id, properties)
     select $1::bigint * 1048576, o, 'u' || o,
            jsonb_build_object('n', o % 1000, 'text', 't' || o % 700, 'long', case when o % 500 = 0 then repeat('é' || o, 5000) end)
     from generate_series(1, ${CHUNK_BITS - 1}) o`,
    [workspaceId],
  );
  await pool.query(
    `insert into events (shard, ordinal, event_id, occurred_at, properties)
     select $1::bigint * 1048576, o, e.id, to_timestamp(o * 60), '{}' from generate_series(1, ${CHUNK_BITS - 1}) o, event_names e
     where e.workspace_id = $1`,
    [workspaceId],
  );
  const ids = [...(await ensureProperties(pool, workspaceId, ['', 'n', 'text', 'long'])).values()];
  const eventId = (await ensureEvents(pool, workspaceId, ['page'])).get('page') as number;
  const shard = shardOf(workspaceId, 0);
  const ordinals = Array.from({ length: CHUNK_BITS }, (_, ordinal) => ordinal);
  await notePending(pool, {
    properties: ids.flatMap((propertyId) => ordinals.map((ordinal) => ({ shard, propertyId, ordinal }))),
    events: ordinals.map((ordinal) => ({ shard, eventId, day: Math.floor((ordinal * 60_000) / DAY_MS), ordinal })),
  });
  const client = await pool.connect();
  await foldWorkspace(client, workspaceId);
  expect(await decode(pool, workspaceId)).toEqual(await world.expected());
  const counts = await decodeCounts(pool, workspaceId);
  expect(counts).toEqual(await world.expectedCounts(partedDays(counts)));

  await pool.query(`update users set properties = properties || '{"n": -1}' where shard = $1 and ordinal % 40 = 0`, [
    shard,
  ]);
  const some = ordinals.filter((ordinal) => ordinal % 40 === 0);
  for (const part of [some.slice(0, 400), some.slice(400)])
    await notePending(pool, {
      properties: ids.flatMap((propertyId) => part.map((ordinal) => ({ shard, propertyId, ordinal }))),
    });
  await foldWorkspace(client, workspaceId);
  client.release();
  expect(await decode(pool, workspaceId)).toEqual(await world.expected());
}, 60_000);

test('the fold lock lets one in at a time, and goes where its connection goes', async () => {
  const [first, second] = [await database.pool.connect(), await database.pool.connect()];
  const order: string[] = [];
  let enter: () => void = () => undefined;
  const inside = new Promise<void>((resolve) => {
    enter = resolve;
  });
  const one = withFoldLock(first, 7, async () => {
    enter();
    await new Promise((resolve) => setTimeout(resolve, 50));
    order.push('first');
  });
  await inside;
  await withFoldLock(second, 7, async () => void order.push('second'));
  await one;
  expect(order).toEqual(['first', 'second']);
  await expect(
    withFoldLock(first, 7, async () => {
      throw new Error('inside');
    }),
  ).rejects.toThrow('inside');
  await withFoldLock(second, 7, async () => void order.push('third'));
  expect(order).toHaveLength(3);
  first.release();
  second.release();
});
