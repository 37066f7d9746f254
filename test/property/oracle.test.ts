import fc from 'fast-check';
import { foldWorkspace } from '../../src/index/fold.ts';
import { rebuild } from '../../src/index/rebuild.ts';
import { keepLeaves } from '../../src/ingest/keeping.ts';
import { condition, type Pool, poolOf, type Traits } from '../support/arbitraries.ts';
import { compareWithOracle } from '../support/compare.ts';
import { departures, firstWrites, LISTED_SEGMENTS, laterWrites, listWrites, type Write } from '../support/messages.ts';
import { openWorld, type World } from '../support/world.ts';
import {
  continueOrdinalsAt,
  createWorkspace,
  defineSegment,
  pendingCount,
  propertiesOf,
} from '../support/workspace.ts';
import { assertAll } from './check.ts';
import { seed } from './seed.ts';

/**
 * The compiled statement over the bitmaps must say what the oracle says over the rows: for random conditions, over random
 * data, in every state that the index can be in. At least 2,000 conditions a run; EVENKEEL_CASES multiplies them.
 */

const USERS = 240;
const CASES = 200;
const TIMES = Number(process.env['EVENKEEL_CASES'] ?? 1);
const TIMEOUT_MS = 300_000;
const CHUNK_BITS = 32_000;
/** One case in so many also asks for the preview and for single users. */
const THOROUGH_EVERY = 8;
/** And of one in so many the leaves are kept before. */
const KEPT_EVERY = 3;

const SEGMENTS = {
  everybody: { type: 'all', of: [] },
  'plan set': { type: 'property', property: 'plan', operator: 'is_set' },
  nested: {
    type: 'not',
    of: {
      type: 'any',
      of: [
        { type: 'segment', segment: 'plan set' },
        { type: 'event', event: 'purchase' },
      ],
    },
  },
  ...LISTED_SEGMENTS,
} as const;

let world: World;
let cases = 0;
let kept = 0;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => {
  await world?.close();
  process.stdout.write(`${cases} conditions compared with the oracle, ${kept} bitmaps kept, EVENKEEL_SEED=${seed}\n`);
});

const drawn = <T>(arbitrary: fc.Arbitrary<T>, salt: number): T =>
  fc.sample(arbitrary, { seed: seed + salt, numRuns: 1 })[0] as T;

const newWorkspace = async (name: string): Promise<number> => {
  const workspaceId = await createWorkspace(world.pool, name);
  for (const [key, definition] of Object.entries(SEGMENTS))
    await defineSegment(world.pool, workspaceId, key, definition);
  await world.write(workspaceId, drawn(listWrites(USERS, 12, USERS / 2), 30));
  return workspaceId;
};

const poolFor = async (workspaceId: number, nowMs: number): Promise<Pool> => {
  const users = await propertiesOf(world.pool, workspaceId);
  const happened = await world.pool.query<{ ms: string; properties: Traits }>(
    `select (extract(epoch from occurred_at) * 1000)::bigint::text as ms, properties from events
     where shard / 1048576 = $1::bigint order by id desc limit 1000`,
    [workspaceId],
  );
  return poolOf(
    [...users.values()].map(({ properties }) => properties as Traits),
    happened.rows.map(({ ms, properties }) => ({ at: Number(ms), properties })),
    Object.keys(SEGMENTS),
    nowMs,
  );
};

/** Compares `CASES` random conditions over the workspace as it is now. fast-check shrinks the first that differs. */
const compareMany = async (
  workspaceId: number,
  nowMs: number,
  salt: number,
  numRuns = CASES * TIMES,
): Promise<void> => {
  const pool = await poolFor(workspaceId, nowMs);
  await assertAll(
    condition(pool),
    async (one) => {
      cases += 1;
      if (cases % KEPT_EVERY === 0) {
        await defineSegment(world.pool, workspaceId, 'testing', one);
        kept += await keepLeaves(world.client, workspaceId);
      }
      await compareWithOracle(world, workspaceId, one, cases % THOROUGH_EVERY === 0);
    },
    { seed: seed + salt, numRuns },
  );
};

/** What folding does with a column that has got more values than its dictionary may hold. */
const readFromRows = async (workspaceId: number, paths: readonly string[]): Promise<void> => {
  await world.pool.query(
    `with overflowed as (
       update columns c set overflowed = true, scale = 0 from properties p
       where p.id = c.property_id and p.workspace_id = $1 and p.path = any($2) and c.type in ('text', 'array')
       returning c.id
     ), emptied as (delete from slices where column_id in (select id from overflowed))
     delete from dictionary where column_id in (select id from overflowed)`,
    [workspaceId, paths],
  );
};

/** What folding does with a column of texts that are nearly all different. */
const hashTexts = async (workspaceId: number, paths: readonly string[]): Promise<void> => {
  await world.pool.query(
    `with hashed as (
       update columns c set overflowed = true, scale = -1, next_code = 0 from properties p
       where p.id = c.property_id and p.workspace_id = $1 and p.path = any($2) and c.type = 'text'
       returning c.id
     )
     delete from dictionary where column_id in (select id from hashed)`,
    [workspaceId, paths],
  );
  await rebuild(world.client, workspaceId);
};

/** Applies writes a few at a time and compares a few conditions after each, so that little is pending at many moments. */
const writeAndCompare = async (
  workspaceId: number,
  writes: readonly Write[],
  nowMs: number,
  salt: number,
): Promise<void> => {
  const steps = 20;
  const size = Math.ceil(writes.length / steps);
  for (let step = 0; step < steps; step++) {
    await world.write(workspaceId, writes.slice(step * size, (step + 1) * size));
    if (step % 3 === 0) await foldWorkspace(world.client, workspaceId);
    await compareMany(workspaceId, nowMs, salt + step, Math.ceil((CASES * TIMES) / steps));
  }
};

describe('a calculation says what the oracle says', () => {
  const nowMs = Date.now();
  let workspaceId: number;

  beforeAll(async () => {
    workspaceId = await newWorkspace('random');
  });

  test('of an empty workspace', () => compareMany(workspaceId, nowMs, 1, 50), TIMEOUT_MS);

  test(
    'after first writes, freshening by itself',
    async () => {
      await world.write(workspaceId, drawn(firstWrites(USERS, nowMs, true), 2));
      expect(await pendingCount(world.pool, workspaceId)).toBeGreaterThan(0);
      await compareMany(workspaceId, nowMs, 3);
    },
    TIMEOUT_MS,
  );

  test(
    'after a fold of everything',
    async () => {
      await foldWorkspace(world.client, workspaceId);
      expect(await pendingCount(world.pool, workspaceId)).toBe(0);
      await compareMany(workspaceId, nowMs, 4);
    },
    TIMEOUT_MS,
  );

  test(
    'after wilder writes that make columns finer, with and without folds',
    () => writeAndCompare(workspaceId, drawn(laterWrites(USERS, 200, nowMs), 5), nowMs, 100),
    TIMEOUT_MS,
  );

  test(
    'after a rebuild',
    async () => {
      await rebuild(world.client, workspaceId);
      await compareMany(workspaceId, nowMs, 6);
    },
    TIMEOUT_MS,
  );

  test(
    'of columns whose texts are hashed',
    async () => {
      await hashTexts(workspaceId, ['plan', 'mixed', 'naïve.π𝒳', '__proto__', 'since']);
      await compareMany(workspaceId, nowMs, 16);
      await writeAndCompare(workspaceId, drawn(laterWrites(USERS, 60, nowMs), 17), nowMs, 300);
    },
    TIMEOUT_MS,
  );

  test(
    'of columns that hold too many values to be indexed',
    async () => {
      await readFromRows(workspaceId, ['plan', 'tags', 'mixed', 'naïve.π𝒳', '__proto__']);
      await compareMany(workspaceId, nowMs, 15);
    },
    TIMEOUT_MS,
  );

  test(
    'after erasures and aliases',
    async () => {
      await writeAndCompare(workspaceId, drawn(departures(USERS, 60), 7), nowMs, 200);
      await rebuild(world.client, workspaceId);
      await compareMany(workspaceId, nowMs, 8, CASES / 4);
    },
    TIMEOUT_MS,
  );

  test(
    'of users that lie in several chunks',
    async () => {
      const many = await newWorkspace('chunks');
      const writes = drawn(firstWrites(USERS, nowMs, false), 9);
      const third = Math.ceil(writes.length / 3);
      await world.write(many, writes.slice(0, third));
      await continueOrdinalsAt(world.pool, many, CHUNK_BITS - 20);
      await world.write(many, writes.slice(third, 2 * third));
      await continueOrdinalsAt(world.pool, many, 2 * CHUNK_BITS - 20);
      await world.write(many, writes.slice(2 * third));
      await compareMany(many, nowMs, 10);
      await writeAndCompare(many, drawn(laterWrites(USERS, 100, nowMs), 11), nowMs, 300);
      await rebuild(world.client, many);
      await compareMany(many, nowMs, 12, CASES / 2);
    },
    TIMEOUT_MS,
  );

  test(
    'of two workspaces whose users have the same ids',
    async () => {
      const twins = [await newWorkspace('left'), await newWorkspace('right')] as const;
      for (const [i, twin] of twins.entries()) await world.write(twin, drawn(firstWrites(80, nowMs, i === 0), 13 + i));
      for (let round = 0; round < 4; round++) {
        for (const [i, twin] of twins.entries()) {
          await world.write(twin, drawn(laterWrites(80, 10, nowMs), 20 + 2 * round + i));
          if (round % 2 === i) await foldWorkspace(world.client, twin);
          await compareMany(twin, nowMs, 400 + 2 * round + i, CASES / 4);
        }
      }
    },
    TIMEOUT_MS,
  );
});

test('at least 2,000 conditions were compared', () => {
  expect(cases).toBeGreaterThanOrEqual(2_000);
  expect(kept).toBeGreaterThanOrEqual(200);
});
