import { foldWorkspace } from '../../../src/index/fold.ts';
import { rebuild } from '../../../src/index/rebuild.ts';
import { fillKept, keepLeaves, MAX_KEPT_A_PROPERTY, MAX_KEPT_LEAVES } from '../../../src/ingest/keeping.ts';
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
    for (const value of [10, 20]) await defineSegment(world.pool, workspaceId, `over ${value}`, over(value));
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

  test('are of leaves also where many trees read their property', async () => {
    const plan: ConditionJson = { type: 'property', property: 'plan', operator: 'is_set' };
    for (let i = 0; i < 2 * MAX_KEPT_LEAVES + 10; i += 1)
      await defineSegment(world.pool, workspaceId, `s${i}`, { type: 'all', of: [over(i / 10), plan] });
    // the trees come first, and leaves when these have taken their room
    for (let round = 0; round < 2; round += 1) await keepLeaves(world.client, workspaceId);
    const keys = Object.keys(await kept());
    const leaves = keys.filter((key) => key.startsWith('{"type":"property"'));
    expect([leaves.length, keys.length - leaves.length]).toEqual([MAX_KEPT_A_PROPERTY, MAX_KEPT_A_PROPERTY]);
  });

  describe('of whole trees', () => {
    const PRO: ConditionJson = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' };
    const HAS_PLAN: ConditionJson = { type: 'property', property: 'plan', operator: 'is_set' };
    const not = (of: ConditionJson): ConditionJson => ({ type: 'not', of });
    const all = (...of: ConditionJson[]): ConditionJson => ({ type: 'all', of });
    const any = (...of: ConditionJson[]): ConditionJson => ({ type: 'any', of });
    const keptTrees = async (): Promise<string[]> =>
      Object.keys(await kept()).filter((key) => !key.startsWith('{"type":"property"'));

    test('are read in the place of their leaves, alone and within others', async () => {
      const tree = all(any(over(30), PRO), not(over(35)));
      await defineSegment(world.pool, workspaceId, 'tree', tree);
      await keepLeaves(world.client, workspaceId);
      expect(await keptTrees()).toEqual([JSON.stringify(tree)]);
      const around = any(tree, all(HAS_PLAN, over(38)), tree, not(tree));
      for (const condition of [tree, not(tree), around]) await compareWithOracle(world, workspaceId, condition, true);
      const { members } = await world.calculate(workspaceId, tree);
      await world.pool.query(
        `update kept_bits b set bits = ~b.bits & c.users from kept_leaves k, chunks c
         where k.id = b.leaf_id and k.workspace_id = $1 and c.shard = b.shard and k.leaf = $2`,
        [workspaceId, JSON.stringify(tree)],
      );
      // the wrong bitmap says the opposite
      expect((await world.calculate(workspaceId, tree)).members).toBe(40 - members);
      await rebuild(world.client, workspaceId);
      await compareWithOracle(world, workspaceId, tree, true);
    });

    test('that stand in one that is kept are kept where other segments have them too', async () => {
      const inner = any(over(30), PRO);
      const tree = all(inner, HAS_PLAN);
      await defineSegment(world.pool, workspaceId, 'inner', inner);
      await defineSegment(world.pool, workspaceId, 'outer', tree);
      await keepLeaves(world.client, workspaceId);
      expect(await keptTrees()).toEqual([JSON.stringify(inner), JSON.stringify(tree)].sort());
    });

    test('go with a fold of any property that they read', async () => {
      const tree = all(HAS_PLAN, over(20));
      await defineSegment(world.pool, workspaceId, 'tree', tree);
      for (const change of [{ plan: null }, { ltv: 3 }, { ltv: 25 }, { plan: 'new' }]) {
        await keepLeaves(world.client, workspaceId);
        expect((await kept())[JSON.stringify(tree)]).toBe(1);
        await write([change], 25);
        await compareWithOracle(world, workspaceId, tree, true);
        await foldWorkspace(world.client, workspaceId);
        expect((await kept())[JSON.stringify(tree)]).toBe(0);
        await compareWithOracle(world, workspaceId, tree, true);
      }
    });

    test('are not those that users are in who have nothing that they read', async () => {
      const segments = {
        neither: all(not(PRO), not(over(20))),
        or: any(PRO, not(over(20))),
        twice: all(over(10), over(10)),
      };
      for (const [key, condition] of Object.entries(segments))
        await defineSegment(world.pool, workspaceId, key, condition);
      await keepLeaves(world.client, workspaceId);
      expect(await keptTrees()).toEqual([]);
      await write([{ since: 1 }], 100);
      for (const condition of Object.values(segments)) await compareWithOracle(world, workspaceId, condition, true);
      await foldWorkspace(world.client, workspaceId);
      for (const condition of Object.values(segments)) await compareWithOracle(world, workspaceId, condition, true);
    });
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
    const all = Object.keys(await kept()).filter((key) => key.startsWith('{"type":"property"'));
    expect(all).toHaveLength(MAX_KEPT_A_PROPERTY);
    expect(all).toContain(JSON.stringify(leaves.at(-1)));
  });
});
