import { removeExpired } from '../../../src/calculations/retention.ts';
import { preview } from '../../../src/calculations/questions.ts';
import { parseCondition } from '../../../src/conditions/parse.ts';
import { foldWorkspace } from '../../../src/index/fold.ts';
import { eraseUser } from '../../../src/ingest/users.ts';
import { compareWithOracle } from '../../support/compare.ts';
import type { ConditionJson } from '../../support/oracle.ts';
import { openWorld, type World } from '../../support/world.ts';
import { continueOrdinalsAt, createWorkspace, snapshotMembers } from '../../support/workspace.ts';

const CHUNK_BITS = 32_000;

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

const identify = (userId: string, traits: object = {}) => ({ type: 'identify', userId, traits });
const track = (userId: string, event: string, timestamp: string) => ({ type: 'track', userId, event, timestamp });
const send = (workspaceId: number, ...messages: object[]) => world.write(workspaceId, [{ kind: 'messages', messages }]);
const did = (event: string, more: object = {}): ConditionJson => ({ type: 'event', event, ...more });

test('a plan that was prepared before a month had its partition sees the events in it', async () => {
  const workspaceId = await createWorkspace(world.pool, 'months');
  await send(workspaceId, identify('a'), track('a', 'e', '2031-01-15T12:00:00Z'));
  const within = { from: '2030-01-01T06:00:00Z', to: '2036-12-15T06:00:00Z' };
  // the clock stands before all of these, and what lies behind it never counts
  for (const back of ['2011', '2012', '2013', '2014']) {
    for (const count of [{ atLeast: 1 }, { exactly: 2 }]) {
      const past = { from: '2010-06-15T06:00:00Z', to: '2014-05-31T12:00:00Z' };
      await compareWithOracle(world, workspaceId, did('e', { count, within: past }), true);
      await compareWithOracle(world, workspaceId, did('e', { count, within }), false);
    }
    await send(workspaceId, track('a', 'e', `${back}-05-31T06:00:00Z`), track('b', 'e', `${back}-05-31T23:59:59.999Z`));
  }
  await compareWithOracle(world, workspaceId, did('e', { count: { exactly: 4 } }), true);
  const { members } = await world.calculate(workspaceId, did('e', { count: { exactly: 4 } }));
  expect(members).toBe(2);
});

test('workspaces with the same users, names and places have nothing in common', async () => {
  const workspaces = [await createWorkspace(world.pool, 'left'), await createWorkspace(world.pool, 'right')];
  const conditions: ConditionJson[] = [
    { type: 'all', of: [] },
    { type: 'property', property: 'plan', operator: 'equals', value: 'pro' },
    { type: 'property', property: 'plan', operator: 'contains', value: 'r' },
    { type: 'property', property: 'tags', operator: 'includes', value: 'x' },
    { type: 'property', property: 'n', operator: 'greater_than', value: 1 },
    did('e', { count: { exactly: 1 } }),
    { type: 'sample', percent: 50, seed: 's' },
  ];
  for (const [i, workspaceId] of workspaces.entries()) {
    await send(workspaceId, ...['a', 'b'].map((id) => identify(id, { plan: i === 0 ? 'pro' : 'free', n: i * 2.5 })));
    await send(workspaceId, identify('c', { tags: i === 0 ? ['x', 'y'] : ['y', 'x'], plan: i === 0 ? 'free' : 'pro' }));
    await send(workspaceId, ...Array.from({ length: i + 1 }, () => track('a', 'e', '2024-01-01T00:00:00Z')));
  }
  for (const condition of conditions)
    for (const workspaceId of workspaces) await compareWithOracle(world, workspaceId, condition, true);
  const [left = 0, right = 0] = workspaces;
  const before = await world.calculate(right, { type: 'all', of: [] });
  await eraseUser(world.pool, left, 'a');
  await send(left, { type: 'alias', previousId: 'b', userId: 'c' });
  expect(await snapshotMembers(world.pool, before.snapshotId)).toEqual({ members: ['a', 'b', 'c'], bits: 3 });
  for (const condition of conditions)
    for (const workspaceId of workspaces) await compareWithOracle(world, workspaceId, condition, true);
});

test('a sample grows with its percentage, in every chunk, and is the same every time', async () => {
  const workspaceId = await createWorkspace(world.pool, 'samples');
  const people = Array.from({ length: 400 }, (_, i) => identify(`u${i}`));
  await send(workspaceId, ...people.slice(0, 100));
  await continueOrdinalsAt(world.pool, workspaceId, 3 * CHUNK_BITS - 150);
  await send(workspaceId, ...people.slice(100));
  await foldWorkspace(world.client, workspaceId);
  const sampled = async (percent: number): Promise<readonly string[]> => {
    const condition = parseCondition({ type: 'sample', percent, seed: 'june' });
    return (await preview(world.client, { kind: 'preview', workspaceId, condition, sample: 500 })).sample;
  };
  let smaller: readonly string[] = [];
  for (const percent of [0, 0.0005, 0.3, 1, 12.5, 33.333, 50, 50.01, 99.99, 100]) {
    const larger = await sampled(percent);
    expect(larger).toEqual(expect.arrayContaining([...smaller]));
    expect(await sampled(percent)).toEqual(larger);
    await compareWithOracle(world, workspaceId, { type: 'sample', percent, seed: 'june' }, true);
    smaller = larger;
  }
  expect(smaller).toHaveLength(400);
});

test('who entered and left is told from the newest snapshot that is left', async () => {
  const workspaceId = await createWorkspace(world.pool, 'retention');
  const pro: ConditionJson = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' };
  await send(workspaceId, identify('a', { plan: 'pro' }), identify('b', { plan: 'pro' }), identify('c', {}));
  const first = await world.calculate(workspaceId, pro);
  expect(first).toMatchObject({ members: 2, entered: 2, left: 0 });
  await send(workspaceId, identify('a', { plan: null }), identify('c', { plan: 'pro' }));
  const second = await world.calculate(workspaceId, pro);
  expect(second).toMatchObject({ members: 2, entered: 1, left: 1 });
  expect(await removeExpired(world.pool, { keepMs: 0, keepReadMs: 0, keep: 1 })).toBeGreaterThan(0);
  await send(workspaceId, identify('a', { plan: 'pro' }), identify('b', { plan: 'free' }));
  const third = await world.calculate(workspaceId, pro);
  expect(third).toMatchObject({ members: 2, entered: 1, left: 1 });
  await world.pool.query('delete from snapshot_chunks where snapshot_id = $1', [third.snapshotId]);
  await world.pool.query('delete from snapshots where id = $1', [third.snapshotId]);
  expect(await removeExpired(world.pool, { keepMs: 0, keepReadMs: 0, keep: 1 })).toBe(0);
  await world.pool.query('delete from snapshots where workspace_id = $1', [workspaceId]);
  expect(await world.calculate(workspaceId, pro)).toMatchObject({ members: 2, entered: 2, left: 0 });
});
