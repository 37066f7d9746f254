import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { removeExpired } from '../../../src/calculations/retention.ts';
import { Session } from '../../../src/calculations/session.ts';
import { silentLog } from '../../../src/core/log.ts';
import { Snapshots } from '../../../src/calculations/snapshots.ts';
import { foldWorkspace } from '../../../src/index/fold.ts';
import { parseMessages } from '../../../src/ingest/messages.ts';
import { runBackgroundTask } from '../../../src/ingest/run-task.ts';
import { eraseUser } from '../../../src/ingest/users.ts';
import { late } from '../../support/late.ts';
import { calculate, openWorld, type World } from '../../support/world.ts';
import { continueOrdinalsAt, createWorkspace, snapshotMembers } from '../../support/workspace.ts';

/** Calculations that began before a user was erased or merged, and are committed after it. */

const CHUNK_BITS = 32_000;
const EVERYBODY = { type: 'all', of: [] };
const isAnon = { type: 'property', property: 'anon', operator: 'is_set' };

let world: World;
let session: Session;
let client: pg.Client;
let workspaceId: number;
let workspaces = 0;

beforeAll(async () => {
  world = await openWorld();
  session = new Session({ url: world.url, statementTimeoutMs: 30_000 });
  client = await session.begin();
});
beforeEach(async () => {
  workspaceId = await createWorkspace(world.pool, `departures ${++workspaces}`);
  await send(
    ['a', 'b', 'c', 'd'].map((userId) => ({ type: 'identify', userId, traits: { [userId]: 1 } })),
    [{ type: 'identify', userId: 'x', traits: { anon: true } }],
  );
  await foldWorkspace(world.client, workspaceId);
});
afterAll(async () => {
  await session?.reset();
  await world?.close();
});

const send = async (...batches: object[][]): Promise<void> => {
  for (const batch of batches) await world.intake.accept(workspaceId, parseMessages({ batch }, 'batch', Date.now()));
};
const alias = (previousId: string, userId: string) => ({ type: 'alias', previousId, userId });

/** Calculates with `meanwhile` between its snapshot and what it writes. */
const calculateBeside = async (condition: object, key: string, meanwhile: () => Promise<void>): Promise<number> => {
  // nothing is pending: with the fold lock in its hands an erasure would wait for it
  await foldWorkspace(world.client, workspaceId);
  return (await calculate(late(client, meanwhile), world.pool, workspaceId, condition as never, key)).snapshotId;
};

const settle = () => runBackgroundTask(world.pool, { kind: 'settle', workspaceId });

/** What the snapshot says in every way that there is; all of them must agree. */
const told = async (snapshotId: number): Promise<string[]> => {
  const snapshots = new Snapshots({ pool: world.pool, log: silentLog });
  const id = `snp_${snapshotId}`;
  const { members, bits } = await snapshotMembers(world.pool, snapshotId);
  const streamed = [];
  for await (const { userId } of snapshots.stream(workspaceId, id)) streamed.push(userId);
  const page = await snapshots.members(workspaceId, id, {});
  const counted = (await snapshots.get(workspaceId, id)).members;
  expect({ bits, counted, streamed: streamed.sort(), page: page.members.map(({ userId }) => userId).sort() }).toEqual({
    bits: members.length,
    counted: members.length,
    streamed: members,
    page: members,
  });
  return members;
};

test('a user who is erased while a calculation runs is not in what it stores', async () => {
  const late = await calculateBeside(EVERYBODY, 'all', async () => {
    await eraseUser(world.pool, workspaceId, 'b');
    // it is seen to run, so that nothing is forgotten yet
    expect(await settle()).toEqual({ left: 1 });
    expect(await settle()).toEqual({ left: 1 });
  });
  expect((await snapshotMembers(world.pool, late)).bits).toBe(5);
  expect(await settle()).toEqual({ left: 0 });
  expect(await told(late)).toEqual(['a', 'c', 'd', 'x']);
  const next = await calculate(world.client, world.pool, workspaceId, EVERYBODY, 'all');
  expect(next).toMatchObject({ members: 4, entered: 0, left: 0 });
});

test('who is merged meanwhile is there as the user whom it became, also in a chain that ends in an erasure', async () => {
  const late = await calculateBeside(isAnon, 'anon', async () => {
    await send([alias('x', 'a')]);
    expect(await settle()).toEqual({ left: 1 });
    // this one begins when the first is known already, and ends before
    await calculate(world.client, world.pool, workspaceId, EVERYBODY, 'all');
    await send([alias('a', 'b')]);
    expect(await settle()).toEqual({ left: 2 });
    await send([alias('b', 'd')]);
  });
  expect(await settle()).toEqual({ left: 0 });
  expect(await told(late)).toEqual(['d']);
  const both = await calculateBeside(EVERYBODY, 'all', () => send([alias('c', 'd')]));
  expect((await snapshotMembers(world.pool, both)).bits).toBe(2);
  expect(await settle()).toEqual({ left: 0 });
  expect(await told(both)).toEqual(['d']);
  const erased = await calculateBeside(EVERYBODY, 'all', async () => {
    await send([{ type: 'identify', userId: 'e' }, alias('d', 'e')]);
    await eraseUser(world.pool, workspaceId, 'x');
  });
  await settle();
  for (const snapshotId of [late, both, erased]) expect(await told(snapshotId)).toEqual([]);
});

test('merging users while a snapshot is being removed leaves no bitmap of it behind', async () => {
  for (let i = 0; i < 2; i++) await calculate(world.client, world.pool, workspaceId, isAnon, 'anon');
  await continueOrdinalsAt(world.pool, workspaceId, CHUNK_BITS);
  await send([{ type: 'identify', userId: 'far', traits: {} }]);
  const policy = { keepMs: 0, keepReadMs: 0, keep: 1 };
  const holder = await world.pool.connect();
  try {
    // the merge is held up where it has changed the snapshots and goes on to the names
    await holder.query('begin');
    await holder.query(`select from user_keys where workspace_id = $1 and external_id = 'x' for update`, [workspaceId]);
    const sent = send([alias('x', 'far')]);
    await sleep(200);
    const removed = removeExpired(world.pool, policy);
    await sleep(200);
    await holder.query('commit');
    await Promise.all([sent, removed]);
  } finally {
    holder.release();
  }
  await removeExpired(world.pool, policy);
  const { rows } = await world.pool.query(
    `select distinct n.id as kept from snapshot_chunks c left join snapshots n on n.id = c.snapshot_id where c.shard >> 20 = $1`,
    [workspaceId],
  );
  expect(rows).toEqual([{ kept: expect.any(Number) }]);
});

test('new users and merged ones that are not folded yet keep their places', async () => {
  await send([{ type: 'identify', userId: 'new', traits: { anon: 1 } }]);
  const first = await calculate(world.client, world.pool, workspaceId, isAnon, 'anon');
  await send([{ type: 'identify', userId: 'newer', traits: { anon: 1 } }], [alias('x', 'newer')]);
  expect(await settle()).toEqual({ left: 0 });
  expect(await told(first.snapshotId)).toEqual(['new', 'newer']);
  const second = await calculate(world.client, world.pool, workspaceId, isAnon, 'anon');
  expect(second).toMatchObject({ members: 2, entered: 0, left: 0 });
});

test('the sweep removes what only a merged user had, although its bits were not folded', async () => {
  await send([{ type: 'identify', userId: 'x', traits: { secret: 'only-of-x' } }]);
  await foldWorkspace(world.client, workspaceId);
  await send([alias('x', 'a')]);
  await eraseUser(world.pool, workspaceId, 'a');
  await runBackgroundTask(world.pool, { kind: 'sweep', workspaceId });
  const { rows } = await world.pool.query(`select value from dictionary where value = 'only-of-x'`);
  expect(rows).toEqual([]);
});
