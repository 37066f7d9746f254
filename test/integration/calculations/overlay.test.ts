import { randomUUID } from 'node:crypto';
import { Memory } from '../../../src/calculations/memory.ts';
import { preview } from '../../../src/calculations/questions.ts';
import { parseCondition } from '../../../src/conditions/parse.ts';
import { foldWorkspace, withFoldLock } from '../../../src/index/fold.ts';
import { CHUNK_BITS, EVERY_ORDINAL, MAX_OVERLAY_MARKS, shardOf } from '../../../src/index/layout.ts';
import { calculate, openWorld, type World } from '../../support/world.ts';
import { continueOrdinalsAt, createWorkspace, pendingCount, snapshotMembers } from '../../support/workspace.ts';

/** Changes that the bitmaps lack: a few are corrected by the calculation itself, many are folded by it. */

const PRO = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' } as const;
const REGULAR = {
  type: 'all',
  of: [PRO, { type: 'event', event: 'visit', count: { atLeast: 2 }, within: { last: { days: 30 } } }],
} as const;

let world: World;
let workspaceId: number;
let memory: Memory;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());
beforeEach(async () => {
  workspaceId = await createWorkspace(world.pool, randomUUID());
  memory = new Memory();
  await identify({ a: 'pro', b: 'pro', c: 'free', d: 'free' });
  await foldWorkspace(world.client, workspaceId);
});

const identify = (plans: Record<string, string>) =>
  world.write(workspaceId, [
    {
      kind: 'messages',
      messages: Object.entries(plans).map(([userId, plan]) => ({ type: 'identify', userId, traits: { plan } })),
    },
  ]);
const calculated = async (condition: object = PRO) => {
  const done = await calculate(world.client, world.pool, workspaceId, condition as never, 'kept', memory);
  const { population, members, entered, left } = done;
  return { ...(await snapshotMembers(world.pool, done.snapshotId)), said: [population, members, entered, left] };
};

test('changed, new and erased users are right although nothing is folded', async () => {
  expect(await calculated()).toEqual({ members: ['a', 'b'], bits: 2, said: [4, 2, 2, 0] });
  await identify({ a: 'free', c: 'pro', e: 'pro' });
  await continueOrdinalsAt(world.pool, workspaceId, CHUNK_BITS);
  // the first user of a chunk that has no bitmap at all
  await identify({ f: 'pro', g: 'free' });
  const pending = await pendingCount(world.pool, workspaceId);
  expect(pending).toBeGreaterThan(0);
  expect(await calculated()).toEqual({ members: ['b', 'c', 'e', 'f'], bits: 4, said: [7, 4, 3, 1] });
  await world.write(workspaceId, [{ kind: 'erase', userId: 'b' }]);
  await world.write(workspaceId, [{ kind: 'messages', messages: [{ type: 'alias', previousId: 'c', userId: 'd' }] }]);
  // of the two that c and d have become, d's own plan counts; as c it was a member before
  expect(await calculated()).toEqual({ members: ['e', 'f'], bits: 2, said: [5, 2, 0, 1] });
  expect(await pendingCount(world.pool, workspaceId)).toBeGreaterThanOrEqual(pending);
  const shown = await preview(world.client, {
    kind: 'preview',
    workspaceId,
    condition: parseCondition(PRO),
    sample: 5,
  });
  expect(shown).toMatchObject({ population: 5, members: 2, sample: ['e', 'f'] });
});

test('events are counted by the rows for those who have new ones', async () => {
  const visit = (userId: string) => ({ type: 'track', userId, event: 'visit' });
  await world.write(workspaceId, [{ kind: 'messages', messages: [visit('a'), visit('a'), visit('b')] }]);
  expect(await calculated(REGULAR)).toMatchObject({ members: ['a'], said: [4, 1, 1, 0] });
  await foldWorkspace(world.client, workspaceId);
  await world.write(workspaceId, [{ kind: 'messages', messages: [visit('b'), visit('c'), visit('c')] }]);
  expect(await calculated(REGULAR)).toMatchObject({ members: ['a', 'b'], said: [4, 2, 1, 0] });
  expect(await pendingCount(world.pool, workspaceId)).toBeGreaterThan(0);
});

test('no fold is waited for', async () => {
  await identify({ c: 'pro' });
  const other = await world.pool.connect();
  try {
    const done = withFoldLock(other, workspaceId, async () => calculated());
    expect(await done).toMatchObject({ members: ['a', 'b', 'c'] });
  } finally {
    other.release();
  }
});

test('a thread expects changes where it met some last, until it meets none', async () => {
  const busy = async () => {
    const { rows } = await world.pool.query('select id from segments where workspace_id = $1', [workspaceId]);
    return memory.get(rows[0].id)?.busy;
  };
  await calculated();
  expect(await busy()).toBe(false);
  await identify({ c: 'pro' });
  await calculated();
  expect(await busy()).toBe(true);
  await foldWorkspace(world.client, workspaceId);
  expect(await calculated()).toMatchObject({ members: ['a', 'b', 'c'] });
  expect(await busy()).toBe(false);
});

test.each([
  ['a mark for every user of a shard', EVERY_ORDINAL, 1],
  ['more marks than it corrects', 0, MAX_OVERLAY_MARKS + 1],
])('%s is folded', async (_, ordinal, count) => {
  await calculated();
  await identify({ c: 'pro' });
  await world.pool.query(
    `insert into pending_properties (shard, property_id, ordinal)
     select $2, p.id, $3 from properties p, generate_series(1, $4::integer) where p.workspace_id = $1 and p.path = 'plan'`,
    [workspaceId, shardOf(workspaceId, 0), ordinal, count],
  );
  expect(await calculated()).toMatchObject({ members: ['a', 'b', 'c'], said: [4, 3, 1, 0] });
  expect(await pendingCount(world.pool, workspaceId)).toBe(0);
});
