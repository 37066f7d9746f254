import { foldWorkspace } from '../../../src/index/fold.ts';
import { rebuild } from '../../../src/index/rebuild.ts';
import { fillKept, keepLeaves, MAX_KEPT_A_PROPERTY } from '../../../src/ingest/keeping.ts';
import type { Traits } from '../../support/arbitraries.ts';
import type { ConditionJson } from '../../support/oracle.ts';
import { compareWithOracle } from '../../support/compare.ts';
import { openWorld, type World } from '../../support/world.ts';
import { createWorkspace, defineSegment } from '../../support/workspace.ts';

const over = (value: number): ConditionJson => ({
  type: 'property',
  property: 'ltv',
  operator: 'greater_than',
  value,
});

describe('bitmaps that are kept of leaves', () => {
  let world: World;
  let workspaceId: number;

  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world?.close());
  beforeEach(async () => {
    workspaceId = await createWorkspace(world.pool, `kept ${Math.random()}`);
    await write(
      Array.from({ length: 40 }, (_, i) => ({ ltv: i, plan: `${['free', 'pro', 'team'][i % 3]}`, since: i })),
    );
    await foldWorkspace(world.client, workspaceId);
  });

  const write = (users: readonly Traits[], first = 0): Promise<void> =>
    world.write(
      workspaceId,
      users.map((properties, i) => ({ kind: 'merge', userId: `u${first + i}`, properties }) as const),
    );
  /** The leaves that are kept, with how many chunks have their bitmaps. */
  const kept = async (): Promise<Record<string, number>> => {
    const { rows } = await world.pool.query<{ leaf: string; chunks: number }>(
      `select k.leaf, (select count(*)::integer from kept_bits b where b.leaf_id = k.id) as chunks
       from kept_leaves k where k.workspace_id = $1 order by k.leaf`,
      [workspaceId],
    );
    return Object.fromEntries(rows.map(({ leaf, chunks }) => [leaf, chunks]));
  };

  test('are those of leaves that read several slices and do not depend on the time', async () => {
    await defineSegment(world.pool, workspaceId, 'mixed', {
      type: 'all',
      of: [
        over(10),
        { type: 'not', of: { type: 'property', property: 'plan', operator: 'not_equals', value: 'pro' } },
        { type: 'property', property: 'plan', operator: 'is_set' },
        { type: 'property', property: 'since', operator: 'within_last', value: { days: 3 } },
        { type: 'property', property: 'plan', operator: 'matches', value: '^p' },
        { type: 'property', property: 'unknown', operator: 'greater_than', value: 3 },
        { type: 'event', event: 'purchase' },
      ],
    });
    expect(await keepLeaves(world.client, workspaceId)).toBe(2);
    expect(await kept()).toEqual({
      '{"type":"property","property":"ltv","operator":"greater_than","value":10}': 1,
      '{"type":"property","property":"plan","operator":"equals","value":"pro"}': 1,
    });
    expect(await keepLeaves(world.client, workspaceId)).toBe(0);
  });

  test('are read in the place of the slices', async () => {
    await defineSegment(world.pool, workspaceId, 'some', over(10));
    await keepLeaves(world.client, workspaceId);
    await compareWithOracle(world, workspaceId, over(10), true);
    await world.pool.query(
      `update kept_bits b set bits = ~b.bits & c.users
       from kept_leaves k, chunks c where k.id = b.leaf_id and k.workspace_id = $1 and c.shard = b.shard`,
      [workspaceId],
    );
    // the wrong bitmaps say the opposite
    expect((await world.calculate(workspaceId, over(10))).members).toBe(11);
    await rebuild(world.client, workspaceId);
    await compareWithOracle(world, workspaceId, over(10), true);
  });

  test('go with a fold of their property in their chunk, and come back', async () => {
    await defineSegment(world.pool, workspaceId, 'some', { type: 'all', of: [over(10), over(20)] });
    await keepLeaves(world.client, workspaceId);
    await write([{ plan: 'other' }]);
    await foldWorkspace(world.client, workspaceId);
    expect(Object.values(await kept())).toEqual([1, 1]);
    await write([{ ltv: 30 }]);
    await compareWithOracle(world, workspaceId, over(20), true);
    await foldWorkspace(world.client, workspaceId);
    expect(Object.values(await kept())).toEqual([0, 0]);
    await compareWithOracle(world, workspaceId, over(20), true);
    expect(await fillKept(world.client, workspaceId)).toBe(2);
    await compareWithOracle(world, workspaceId, over(20), true);
  });

  test('forget who is erased', async () => {
    await defineSegment(world.pool, workspaceId, 'some', over(10));
    await keepLeaves(world.client, workspaceId);
    const count = async (): Promise<number> =>
      (
        await world.pool.query<{ count: number }>(
          `select bit_count(b.bits)::integer as count from kept_bits b join kept_leaves k on k.id = b.leaf_id
           where k.workspace_id = $1`,
          [workspaceId],
        )
      ).rows[0]?.count ?? -1;
    expect(await count()).toBe(29);
    await world.write(workspaceId, [{ kind: 'erase', userId: 'u30' }]);
    expect(await count()).toBe(28);
    await compareWithOracle(world, workspaceId, over(10), true);
  });

  test('go with the last segment that has the leaf', async () => {
    for (const key of ['one', 'two']) await defineSegment(world.pool, workspaceId, key, over(10));
    await keepLeaves(world.client, workspaceId);
    await world.pool.query(`delete from segments where workspace_id = $1 and key = 'one'`, [workspaceId]);
    await keepLeaves(world.client, workspaceId);
    expect(Object.keys(await kept())).toHaveLength(1);
    await world.pool.query(`delete from segments where workspace_id = $1`, [workspaceId]);
    await keepLeaves(world.client, workspaceId);
    expect(await kept()).toEqual({});
    await compareWithOracle(world, workspaceId, over(10), true);
  });

  test('are so many at most of one property, those first that most segments have', async () => {
    const leaves = Array.from({ length: MAX_KEPT_A_PROPERTY + 4 }, (_, i) => over(i));
    await defineSegment(world.pool, workspaceId, 'all', { type: 'any', of: leaves });
    await defineSegment(world.pool, workspaceId, 'last', leaves.at(-1));
    await keepLeaves(world.client, workspaceId);
    const all = Object.keys(await kept());
    expect(all).toHaveLength(MAX_KEPT_A_PROPERTY);
    expect(all).toContain(JSON.stringify(leaves.at(-1)));
  });
});
