import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { compile } from '../../../src/compiler/compile.ts';
import { calculationStatement } from '../../../src/compiler/calculation.ts';
import { type NamedStatement, previewStatement } from '../../../src/compiler/statements.ts';
import type { ExpandedCondition } from '../../../src/conditions/types.ts';
import { plainOptions } from '../../support/claim.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { AS_OF, catalogue, DAY } from '../../unit/compiler/catalogue.ts';

/** One plan serves every value of a shape; these hold that it reads by the primary keys, and only the partitions it needs. */

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'CTE Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Subplans Removed'?: number;
  readonly Plans?: readonly PlanNode[];
}

const CHUNKS = 20;
const CLAIM = { id: 7, processId: randomUUID(), attempt: 1, workspaceId: 1, segmentId: 5, version: 3 };

const counted: ExpandedCondition = {
  type: 'event',
  event: 'purchase',
  count: { low: 3, high: 7 },
  within: { last: { ms: 30 * DAY } },
};

const everything: ExpandedCondition = {
  type: 'all',
  of: [
    { type: 'property', property: 'plan', operator: 'is_set' },
    { type: 'property', property: 'plan', operator: 'equals', value: 'pro' },
    { type: 'property', property: 'plan', operator: 'in', value: ['pro', 'free', 'team'] },
    { type: 'property', property: 'plan', operator: 'includes_any', value: ['beta', 5] },
    { type: 'property', property: 'ltv', operator: 'greater_than', value: 10 },
    { type: 'property', property: 'note', operator: 'contains', value: 'x', ignoreCase: false },
    { type: 'event', event: 'purchase', count: { low: 1, high: null }, within: { last: { ms: 60 * DAY } } },
    counted,
  ],
};

const nodes = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodes)];

describe('the generic plan', () => {
  let database: TestDatabase;
  let client: pg.PoolClient;

  beforeAll(async () => {
    database = await createTestDatabase();
    client = await database.pool.connect();
    // as the workers set it; snapshot_chunks stays empty here, and an empty table is where a plan goes wrong
    await client.query('set plan_cache_mode = force_generic_plan');
    await client.query('set enable_seqscan = off');
    await client.query(
      `insert into chunks (shard, workspace_id, chunk, users)
       select 1048576 + c, (select min(id) from workspaces), c, B'1'::bit(32000) from generate_series(0, $1::int - 1) c`,
      [CHUNKS],
    );
    await client.query(
      `insert into slices (shard, column_id, slice, bits) select 1048576 + c, column_id, slice, B'1'::bit(32000)
       from generate_series(0, $1::int - 1) c, generate_series(1, 22) column_id, generate_series(-2, 7) slice`,
      [CHUNKS],
    );
    await client.query(
      `insert into event_slices (shard, event_id, period, number, slice, bits) select 1048576 + c, 30, 0, number, 0, B'1'::bit(32000)
       from generate_series(0, $1::int - 1) c, generate_series(20400, 20600) number`,
      [CHUNKS],
    );
    await client.query(
      `insert into users (shard, ordinal, external_id, properties)
       select 1048576 + o / 1000, o / 1000 * 32000 + o % 1000, o, '{}' from generate_series(0, 1000 * $1::int - 1) o`,
      [CHUNKS],
    );
    const months = ['2025-12', '2026-01', '2026-02', '2026-03', '2026-04'];
    for (const [i, next] of months.slice(1).entries())
      await client.query(
        `create table "events_${months[i]}" partition of events for values from ('${months[i]}-01') to ('${next}-01')`,
      );
    await client.query(
      `insert into events (shard, ordinal, event_id, occurred_at, properties)
       select 1048576 + e % $1::int, e, 30, timestamptz '2025-12-02Z' + e * interval '9 minutes', '{}' from generate_series(1, 17000) e`,
      [CHUNKS],
    );
    await client.query('analyze');
  });
  afterAll(async () => {
    client.release();
    await database.drop();
  });

  const plan = async ({ text, values }: NamedStatement): Promise<PlanNode[]> => {
    await client.query(`prepare explained as ${text}`);
    const written = values.map((value) => {
      if (value === null) return 'null';
      const array = Array.isArray(value) ? `{${value.map((each) => JSON.stringify(each)).join(',')}}` : String(value);
      return `'${array.replaceAll("'", "''")}'`;
    });
    const { rows } = await client.query(`explain (format json) execute explained(${written.join(', ')})`);
    await client.query('deallocate explained');
    return nodes(rows[0]['QUERY PLAN'][0].Plan);
  };

  it('reads bitmaps and events by indexes that begin with the shard', async () => {
    const statement = calculationStatement(
      compile(everything, catalogue, AS_OF),
      plainOptions(CLAIM, catalogue.shards),
    );
    const read = (await plan(statement)).filter((node) => node['Relation Name'] && node['Node Type'] !== 'ModifyTable');
    for (const relation of ['slices', 'event_slices', 'events_2026-01', 'snapshot_chunks']) {
      const scans = read.filter((node) => node['Relation Name'] === relation);
      expect(scans.length).toBeGreaterThan(0);
      for (const scan of scans) expect(scan['Index Cond'] ?? scan['Node Type']).toMatch(/shard = /);
    }
    for (const scan of read.filter((node) => node['Relation Name'] === 'slices'))
      expect(scan['Index Cond']).toMatch(/column_id = .*slice/);
    for (const scan of read.filter((node) => node['Relation Name'] === 'event_slices'))
      expect(scan['Index Cond']).toMatch(/event_id = .*period = .*number/);
    for (const scan of read.filter((node) => node['Relation Name'] === 'snapshot_chunks'))
      expect(scan['Index Cond']).toMatch(/snapshot_id = /);
  });

  it('reads the rows of all users once: by pages where they are most of the table, else by the index', async () => {
    const leaf: ExpandedCondition = {
      type: 'property',
      property: 'note',
      operator: 'contains',
      value: 'x',
      ignoreCase: false,
    };
    // What this session has counted and not given to the statistics yet: that happens at most once a second.
    const counted = async (): Promise<{ pages: number; index: number }> => {
      const { rows } = await client.query<{ pages: number; index: number }>(
        `select seq_scan::integer as pages, idx_scan::integer as index from pg_stat_xact_user_tables where relname = 'users'`,
      );
      return rows[0] ?? { pages: 0, index: 0 };
    };
    const scans = async (shards: readonly [number, number]): Promise<unknown> => {
      await client.query('begin');
      const before = await counted();
      await client.query(previewStatement(compile(leaf, { ...catalogue, shards }, AS_OF), { shards, sample: 0 }));
      const after = await counted();
      await client.query('rollback');
      return { pages: after.pages - before.pages, index: after.index - before.index };
    };
    const [first, last] = catalogue.shards;
    expect(await scans([first, last])).toEqual({ pages: 1, index: 0 });
    expect(await scans([first + 3, first + 3])).toEqual({ pages: 0, index: 1 });
  });

  it('corrects what is pending user by user', async () => {
    const statement = calculationStatement(compile(everything, catalogue, AS_OF), {
      ...plainOptions(CLAIM, catalogue.shards),
      overlay: { condition: everything, events: catalogue.events },
    });
    const read = (await plan(statement)).filter((node) => node['Node Type'] !== 'ModifyTable');
    const of = (relation: string) => read.filter((node) => node['Relation Name'] === relation);
    expect(of('pending_properties')[0]?.['Index Cond']).toMatch(/property_id = ANY.*shard >= /);
    expect(of('users').map((node) => node['Index Cond'])).toContainEqual(expect.stringMatching(/shard = .*ordinal = /));
    // its own user's events only
    for (const scan of of('events_2026-02')) expect(scan['Index Cond'] ?? scan['Node Type']).toMatch(/shard = /);
    // as a join it was looped over, each chunk reading the bitmaps of all
    expect(read.filter((node) => node['CTE Name'] === 'touched')).toHaveLength(1);
  });

  it('opens only the partitions that a window reaches', async () => {
    const statement = calculationStatement(compile(counted, catalogue, AS_OF), plainOptions(CLAIM, catalogue.shards));
    const all = await plan(statement);
    const partitions = new Set(all.flatMap((node) => node['Relation Name']?.match(/^events_\d.*/)?.[0] ?? []));
    expect([...partitions].sort()).toEqual(['events_2026-02', 'events_2026-03']);
    expect(all.some((node) => (node['Subplans Removed'] ?? 0) > 0)).toBe(true);
  });

  it('reads events themselves by shard, name and time, and only the partitions it needs', async () => {
    const within = { last: { ms: 30 * DAY } };
    const where = [{ type: 'property', property: 'sku', operator: 'is_set' }] as const;
    const asked: ExpandedCondition = {
      type: 'any',
      of: [
        { type: 'event', event: 'purchase', count: { low: 2, high: null }, within, where },
        {
          type: 'event_aggregate',
          event: 'purchase',
          aggregate: 'sum',
          property: 'amount',
          range: { low: 5, high: null },
          within,
        },
        { type: 'sequence', steps: [{ event: 'purchase' }, { event: 'purchase', after: { ms: DAY } }], within },
      ],
    };
    const all = await plan(previewStatement(compile(asked, catalogue, AS_OF), { shards: catalogue.shards, sample: 0 }));
    const partitions = new Set(all.flatMap((node) => node['Relation Name']?.match(/^events_\d.*/)?.[0] ?? []));
    expect([...partitions].sort()).toEqual(['events_2026-02', 'events_2026-03']);
    const conditions = all.flatMap((node) =>
      /^events_.*_event_id_/.test(node['Index Name'] ?? '') ? [node['Index Cond'] ?? ''] : [],
    );
    expect(conditions.length).toBeGreaterThanOrEqual(4);
    for (const condition of conditions) expect(condition).toMatch(/shard = .*event_id = .*occurred_at/);
    expect(
      all.filter((node) => node['Node Type'] === 'Seq Scan' && node['Relation Name']?.startsWith('events')),
    ).toEqual([]);
  });

  it('finds the users of a preview one by one', async () => {
    const all = await plan(
      previewStatement(compile({ type: 'all', of: [] }, catalogue, AS_OF), { shards: catalogue.shards, sample: 5 }),
    );
    const users = all.filter((node) => node['Relation Name'] === 'users');
    expect(users).toHaveLength(1);
    expect(users[0]?.['Index Cond']).toMatch(/shard = .*ordinal = /);
  });
});
