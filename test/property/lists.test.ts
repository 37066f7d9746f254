import fc from 'fast-check';
import type pg from 'pg';
import { Session } from '../../src/calculations/session.ts';
import { foldWorkspace } from '../../src/index/fold.ts';
import { rebuild } from '../../src/index/rebuild.ts';
import { compareWithOracle } from '../support/compare.ts';
import { departures, LISTED_SEGMENTS, laterWrites, listWrites, userId, type Write } from '../support/messages.ts';
import type { ConditionJson } from '../support/oracle.ts';
import { openWorld, type World } from '../support/world.ts';
import { continueOrdinalsAt, createWorkspace, defineSegment } from '../support/workspace.ts';
import { seed } from './seed.ts';

/**
 * Lists of userIds hold for users who were there, come later, get another name, become one or are erased, whatever the order. First
 * one after the other, from a seed; then all at once, when the clock decides what they meet.
 */

const USERS = 60;
const STEPS = 40;
const RUN_MS = 6_000;
const TIMEOUT_MS = 300_000;
const CHUNK_BITS = 32_000;
const STATEMENT_TIMEOUT_MS = 30_000;

const reference = (segment: string): ConditionJson => ({ type: 'segment', segment });
const CONDITIONS: readonly ConditionJson[] = [
  ...Object.keys(LISTED_SEGMENTS).map(reference),
  { type: 'not', of: reference('listed') },
  {
    type: 'all',
    of: [reference('listed'), { type: 'any', of: [reference('overridden'), reference('overridden twice')] }],
  },
];

let world: World;
const sessions: Session[] = [];

beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => {
  for (const session of sessions) await session.reset();
  await world?.close();
});

const newWorkspace = async (name: string): Promise<number> => {
  const workspaceId = await createWorkspace(world.pool, name);
  for (const [key, definition] of Object.entries(LISTED_SEGMENTS))
    await defineSegment(world.pool, workspaceId, key, definition);
  // some users in a chunk, some in the next
  await continueOrdinalsAt(world.pool, workspaceId, CHUNK_BITS - USERS / 3);
  return workspaceId;
};

const compareAll = async (workspaceId: number, thorough: boolean): Promise<void> => {
  for (const condition of CONDITIONS) await compareWithOracle(world, workspaceId, condition, thorough);
};

const someWrite = (): fc.Arbitrary<Write[]> =>
  fc.oneof(
    listWrites(USERS, 1, USERS / 2),
    laterWrites(USERS, 3, Date.now()),
    departures(USERS, 1),
    fc.nat({ max: USERS }).map((i): Write[] => [{ kind: 'merge', userId: userId(i), properties: { plan: 'pro' } }]),
  );

test(
  'lists say what the oracle says after every write, fold and rebuild',
  async () => {
    const workspaceId = await newWorkspace('one after the other');
    const steps = fc.sample(someWrite(), { seed, numRuns: STEPS });
    for (const [step, writes] of steps.entries()) {
      await world.write(workspaceId, writes);
      if (step % 5 === 1) await foldWorkspace(world.client, workspaceId);
      if (step % 16 === 15) await rebuild(world.client, workspaceId);
      await compareAll(workspaceId, step % 8 === 0);
    }
  },
  TIMEOUT_MS,
);

test(
  'lists that are changed while users come, merge and go are right afterwards',
  async () => {
    const workspaceId = await newWorkspace('all at once');
    const until = Date.now() + RUN_MS;
    let salt = 0;
    const done = { writes: 0, lists: 0, folds: 0 };
    const next = <T>(arbitrary: fc.Arbitrary<T>): T =>
      fc.sample(arbitrary, { seed: seed + salt++, numRuns: 1 })[0] as T;
    const writer = async () => {
      for (; Date.now() < until; done.writes += 1)
        await world.write(workspaceId, next(fc.oneof(laterWrites(USERS, 2, Date.now()), departures(USERS, 1))));
    };
    const lister = async () => {
      for (; Date.now() < until; done.lists += 1) await world.write(workspaceId, next(listWrites(USERS, 1, USERS)));
    };
    const folder = async () => {
      const session = new Session({ url: world.url, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
      sessions.push(session);
      const client: pg.Client = await session.begin();
      for (; Date.now() < until; done.folds += 1) await foldWorkspace(client, workspaceId);
    };
    await Promise.all([writer(), writer(), lister(), lister(), folder()]);
    process.stdout.write(`${JSON.stringify(done)}\n`);
    await compareAll(workspaceId, true);
    await foldWorkspace(world.client, workspaceId);
    await compareAll(workspaceId, true);
    const { rows } = await world.pool.query(
      `select l.id from lists l where l.workspace_id = $1 and l.ids <> (select count(*) from list_ids i where i.list_id = l.id)`,
      [workspaceId],
    );
    expect(rows).toEqual([]);
  },
  TIMEOUT_MS,
);
