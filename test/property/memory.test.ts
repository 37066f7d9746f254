import fc from 'fast-check';
import { mayBeKept } from '../../src/compiler/kept.ts';
import { leavesOf } from '../../src/conditions/leaves.ts';
import { parseCondition } from '../../src/conditions/parse.ts';
import { Memory } from '../../src/calculations/memory.ts';
import { Session } from '../../src/calculations/session.ts';
import { sweepDictionary } from '../../src/index/erase.ts';
import { foldWorkspace } from '../../src/index/fold.ts';
import { rebuild } from '../../src/index/rebuild.ts';
import { keepLeaves } from '../../src/ingest/keeping.ts';
import { condition, poolOf, type Traits } from '../support/arbitraries.ts';
import { departures, firstWrites, laterWrites, type Write } from '../support/messages.ts';
import { type ConditionJson, oracleMembers } from '../support/oracle.ts';
import { calculate, openWorld, type World } from '../support/world.ts';
import { createWorkspace, defineSegment, propertiesOf, snapshotMembers } from '../support/workspace.ts';
import { seed } from './seed.ts';

/**
 * What a thread remembers of a segment is out of date as soon as a column appears, grows, becomes finer or overflows, a value gets
 * its code, a name is used for the first time, or a segment that it refers to is edited; and bitmaps of its leaves come to be kept. Two threads calculate the same
 * segments again and again while all of that happens, in every order that the seed gives.
 */

const USERS = 60;
const SEGMENTS = 24;
const ROUNDS = 5;
/** Segments calculated after each change. */
const ASKED = 6;
/** Bitmaps made. */
const LEAST_KEPT = 4;
const TIMEOUT_MS = 300_000;

let world: World;
const sessions: Session[] = [];

beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => {
  for (const session of sessions) await session.reset();
  await world?.close();
  process.stdout.write(`memory.test.ts with EVENKEEL_SEED=${seed}\n`);
});

const drawn = <T>(arbitrary: fc.Arbitrary<T>, salt: number): T =>
  fc.sample(arbitrary, { seed: seed + salt, numRuns: 1 })[0] as T;

const thread = async () => {
  const session = new Session({ url: world.url, statementTimeoutMs: 60_000 });
  sessions.push(session);
  return { client: await session.begin(), memory: new Memory() };
};

test(
  'what threads remember is never used when it is out of date',
  async () => {
    const nowMs = Date.now();
    const workspaceId = await createWorkspace(world.pool, 'remembered');
    const first = drawn(firstWrites(USERS, nowMs, true), 1);
    // half of the users, tame: most columns, widths and values are still to come
    await world.write(workspaceId, first.slice(0, USERS / 2));
    await foldWorkspace(world.client, workspaceId);
    await defineSegment(world.pool, workspaceId, 'base', drawn(plain([]), 2));
    const users = [...(await propertiesOf(world.pool, workspaceId)).values()];
    const pool = users.map(({ properties }) => properties as Traits);
    const conditions = Array.from({ length: SEGMENTS }, (_, i) =>
      drawn(i % 2 === 0 ? plain(pool, ['base']) : plain(pool, ['base']).filter(isKept), 10 + i),
    );
    const threads = [await thread(), await thread()];

    const changes: ((salt: number) => Promise<unknown>)[] = [
      (salt) => world.write(workspaceId, drawn(laterWrites(USERS, 8, nowMs), salt)),
      (salt) => world.write(workspaceId, first.slice(USERS / 2 + (salt % 20), USERS / 2 + (salt % 20) + 6)),
      (salt) => world.write(workspaceId, drawn<Write[]>(departures(USERS, 3), salt)),
      () => foldWorkspace(world.client, workspaceId),
      () => rebuild(world.client, workspaceId),
      () => sweepDictionary(world.client, workspaceId),
      () => keepLeaves(world.client, workspaceId),
      (salt) =>
        world.pool.query(`delete from segments where workspace_id = $1 and key = $2`, [
          workspaceId,
          `s${salt % SEGMENTS}`,
        ]),
      (salt) => defineSegment(world.pool, workspaceId, 'base', drawn(plain(pool), salt)),
    ];
    let compared = 0;
    let kept = 0;
    const compareSome = async (salt: number): Promise<void> => {
      for (let ask = 0; ask < ASKED; ask += 1) {
        const which = (salt * ASKED + ask * 7) % SEGMENTS;
        const one = conditions[which] as ConditionJson;
        const { client, memory } = threads[(salt + ask) % 2] as (typeof threads)[number];
        const done = await calculate(client, world.pool, workspaceId, one, `s${which}`, memory);
        const { members } = await snapshotMembers(world.pool, done.snapshotId);
        const expected = await oracleMembers(world.pool, workspaceId, one, done.asOf);
        expect({ salt, one, members }).toEqual({ salt, one, members: expected });
        compared += 1;
      }
    };
    for (let round = 0; round < ROUNDS; round += 1)
      for (const [i, change] of changes.entries()) {
        const salt = round * changes.length + i;
        await change(1_000 + salt);
        await compareSome(salt);
        // what was calculated last has its leaves kept when the next change comes, mostly
        if (salt % 3 !== 0) kept += await keepLeaves(world.client, workspaceId);
      }
    expect(compared).toBe(ROUNDS * changes.length * ASKED);
    expect(kept).toBeGreaterThanOrEqual(LEAST_KEPT);
  },
  TIMEOUT_MS,
);

const IS_KEPT = new Set([
  'equals',
  'in',
  'greater_than',
  'at_least',
  'less_than',
  'at_most',
  'between',
  'before',
  'after',
  'on',
]);
/** Mostly leaves whose bitmaps are kept. */
const isKept = (one: ConditionJson): boolean =>
  leavesOf(parseCondition(one)).every(
    (leaf) => leaf.type !== 'segment' && mayBeKept(leaf) && IS_KEPT.has(leaf.operator),
  );

/** Conditions that are drawn from what the users have. */
const plain = (users: readonly Traits[], segments: readonly string[] = []): fc.Arbitrary<ConditionJson> =>
  condition(
    poolOf(
      users.map((properties) => ({ properties })),
      [],
      segments,
      Date.now(),
    ),
    2,
  );
