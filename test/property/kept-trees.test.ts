import fc from 'fast-check';
import { Memory } from '../../src/calculations/memory.ts';
import { foldWorkspace } from '../../src/index/fold.ts';
import { CHUNK_BITS } from '../../src/index/layout.ts';
import { rebuild } from '../../src/index/rebuild.ts';
import { keepLeaves } from '../../src/ingest/keeping.ts';
import type { Traits } from '../support/arbitraries.ts';
import { type ConditionJson, oracleMembers } from '../support/oracle.ts';
import { calculate, openWorld, type World } from '../support/world.ts';
import { continueOrdinalsAt, createWorkspace, defineSegment, snapshotMembers } from '../support/workspace.ts';
import { seed } from './seed.ts';

/**
 * Bitmaps of whole trees are right whatever is written, folded, erased or rebuilt in between, also of users who come into being with
 * nothing that the tree reads. The trees are random, and such that they are kept where they are anchored (decision 0045).
 */

const USERS = 40;
const WORKSPACES = 6;
const SEGMENTS = 8;
const STEPS = 14;
/** Trees that had bitmaps while they were calculated. */
const LEAST_READ = 100;
const TIMEOUT_MS = 300_000;

let world: World;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => {
  await world?.close();
  process.stdout.write(`kept-trees.test.ts with EVENKEEL_SEED=${seed}\n`);
});

const drawn = <T>(arbitrary: fc.Arbitrary<T>, salt: number): T =>
  fc.sample(arbitrary, { seed: seed + salt, numRuns: 1 })[0] as T;

const PLANS = ['free', 'pro', 'team'];
const NUMBERS = fc.integer({ min: 0, max: 12 });

const property = (name: string, operator: string, value?: unknown): ConditionJson => ({
  type: 'property',
  property: name,
  operator,
  ...(value === undefined ? {} : { value }),
});
const leaf: fc.Arbitrary<ConditionJson> = fc.oneof(
  fc
    .constantFrom(...PLANS)
    .chain((plan) => fc.constantFrom('equals', 'not_equals').map((o) => property('plan', o, plan))),
  fc
    .constantFrom('plan', 'ltv', 'vip')
    .chain((name) => fc.constantFrom('is_set', 'is_not_set').map((o) => property(name, o))),
  NUMBERS.chain((n) => fc.constantFrom('greater_than', 'at_most', 'equals').map((o) => property('ltv', o, n))),
  fc.boolean().map((is) => property('vip', 'equals', is)),
);
const { tree } = fc.letrec<{ node: ConditionJson; tree: ConditionJson }>((tie) => ({
  node: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('tree')),
  tree: fc.oneof(
    ...(['all', 'any'] as const).map((type) =>
      fc.array(tie('node'), { minLength: 2, maxLength: 3 }).map((of): ConditionJson => ({ type, of })),
    ),
    fc.array(tie('node'), { minLength: 2, maxLength: 2 }).map(
      ([one, other]): ConditionJson => ({
        type: 'all',
        of: [one as ConditionJson, { type: 'not', of: other as ConditionJson }],
      }),
    ),
  ),
}));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 3 });
const traits: fc.Arbitrary<Traits> = fc
  .record({
    plan: maybe(fc.constantFrom<string | null>(...PLANS, null)),
    ltv: maybe(fc.oneof(NUMBERS, fc.constant(null))),
    vip: maybe(fc.boolean()),
    other: maybe(NUMBERS),
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Traits);

test(
  'trees whose bitmaps are kept hold who the oracle says',
  async () => {
    let read = 0;
    let compared = 0;
    for (let w = 0; w < WORKSPACES; w += 1) {
      const workspaceId = await createWorkspace(world.pool, `trees ${w}`);
      const memory = new Memory();
      const salt = 1_000 * w;
      const write = (users: readonly [string, Traits][]) =>
        world.write(
          workspaceId,
          users.map(([userId, properties]) => ({ kind: 'merge', userId, properties }) as const),
        );
      const some = (step: number, first: number, n: number): [string, Traits][] =>
        Array.from({ length: n }, (_, i) => [`u${first + i}`, drawn(traits, salt + 31 * step + i)]);
      await write(some(0, 0, USERS / 2));
      await continueOrdinalsAt(world.pool, workspaceId, CHUNK_BITS - 3);
      await write(some(1, USERS / 2, USERS / 2));
      await foldWorkspace(world.client, workspaceId);
      const trees = Array.from({ length: SEGMENTS }, (_, i) => drawn(tree, salt + 500 + i));
      for (const [i, one] of trees.entries()) await defineSegment(world.pool, workspaceId, `s${i}`, one);
      let users = USERS;
      const steps: ((step: number) => Promise<unknown>)[] = [
        () => keepLeaves(world.client, workspaceId),
        (step) => write(some(step, drawn(fc.nat(USERS - 4), salt + step), 4)),
        () => foldWorkspace(world.client, workspaceId),
        (step) => write(some(step, (users += 2) - 2, 2)),
        (step) => world.write(workspaceId, [{ kind: 'erase', userId: `u${drawn(fc.nat(USERS - 1), salt + step)}` }]),
        async () => {
          await write([[`u${(users += 1)}`, { other: 1 }]]);
          await foldWorkspace(world.client, workspaceId);
        },
        () => rebuild(world.client, workspaceId),
      ];
      for (let step = 0; step < STEPS; step += 1) {
        const which = step % 2 === 0 ? 0 : 1 + drawn(fc.nat(steps.length - 2), salt + 77 * step);
        await steps[which]?.(step);
        read += await keptTrees(workspaceId);
        for (const [i, one] of trees.entries()) {
          const done = await calculate(world.client, world.pool, workspaceId, one, `s${i}`, memory);
          const { members } = await snapshotMembers(world.pool, done.snapshotId);
          const expected = await oracleMembers(world.pool, workspaceId, one, done.asOf);
          expect({ w, step, which, one, members }).toEqual({ w, step, which, one, members: expected });
          compared += 1;
        }
      }
    }
    process.stdout.write(`${compared} calculations, ${read} times a tree had bitmaps\n`);
    expect(read).toBeGreaterThanOrEqual(LEAST_READ);
  },
  TIMEOUT_MS,
);

const keptTrees = async (workspaceId: number): Promise<number> => {
  const { rows } = await world.pool.query<{ count: number }>(
    `select count(*)::integer as count from kept_leaves k
     where k.workspace_id = $1 and k.leaf not like '{"type":"property"%'
       and exists (select from kept_bits b where b.leaf_id = k.id)`,
    [workspaceId],
  );
  return rows[0]?.count ?? 0;
};
