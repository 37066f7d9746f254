import { planFacts, withoutPartition } from '../../../../src/monitoring/diagnosis/plan.ts';
import { type Sample, summarise } from '../../../../src/monitoring/diagnosis/sampler.ts';
import { chooseOf, chooseSamples } from '../../../../src/monitoring/diagnosis/choose.ts';
import { bytes, count, duration, moment, terminate } from '../../../../src/monitoring/diagnosis/words.ts';
import { anAlert } from '../../../support/alerts.ts';

const partition = (month: string, fetches: number) => ({
  'Node Type': 'Index Only Scan',
  'Relation Name': `events_${month}`,
  'Index Name': `events_${month}_shard_event_id_occurred_at_ordinal_idx`,
  'Plan Rows': 10,
  'Actual Rows': 5,
  'Actual Loops': 8,
  'Index Searches': 8,
  'Heap Fetches': fetches,
  'Shared Hit Blocks': 16,
  'Shared Read Blocks': 4,
});
const explained = (...months: string[]) => ({
  Plan: {
    'Node Type': 'Append',
    'Plan Rows': 1,
    'Actual Rows': 40,
    'Actual Loops': 1,
    'Shared Hit Blocks': 16 * months.length,
    'Shared Read Blocks': 4 * months.length,
    Plans: months.map((month, i) => partition(month, 100 * i)),
  },
  'Planning Time': 0.5,
  'Execution Time': 2,
});

test('partitions count as one table, and a new month is not another plan', () => {
  const two = planFacts('membership', explained('2026_01', '2026_02'));
  expect(two.scans).toEqual([
    {
      relation: 'events',
      index: 'events_shard_event_id_occurred_at_ordinal_idx',
      node: 'Index Only Scan',
      searches: 16,
      rows: 80,
      removedRows: 0,
      hitBlocks: 32,
      readBlocks: 8,
      heapFetches: 100,
    },
  ]);
  expect(two).toMatchObject({ hitBlocks: 32, readBlocks: 8, executionMs: 2, misestimate: 40 });
  expect(planFacts('membership', explained('2026_01', '2026_02', '2026_03')).shape).toBe(two.shape);
  const other = explained('2026_01');
  other.Plan.Plans[0]!['Node Type'] = 'Seq Scan';
  expect(planFacts('membership', other).shape).not.toBe(two.shape);
});

test.each([
  ['events_2026_01', 'events'],
  ['events_default', 'events'],
  ['calculation_facts_20260131_pkey', 'calculation_facts_pkey'],
  ['event_slices', 'event_slices'],
])('%s belongs to %s', (name, table) => expect(withoutPartition(name)).toBe(table));

test('what does not fit into memory', () => {
  const sort = { 'Node Type': 'Sort', 'Sort Space Type': 'Disk', 'Temp Written Blocks': 900, 'Temp Read Blocks': 800 };
  expect(planFacts('rows', { Plan: sort })).toMatchObject({ spills: 1, tempWrittenBlocks: 900, executionMs: null });
});

test('samples together: who waited for what, who was waited for, what came from the disk', () => {
  const sample = (at: number, waits: Record<string, number>, readBlocks: number, busy: number): Sample => ({
    at,
    waits,
    blockers:
      waits['Lock'] === undefined
        ? []
        : [
            {
              pid: 7,
              application: 'x',
              user: null,
              state: 'active',
              since: 1,
              relation: 'slices',
              mode: 'm',
              waiting: 3,
            },
          ],
    counters: { at, hitBlocks: readBlocks, readBlocks, readMs: 0, tempBytes: 0, commits: 0 },
    service: { threads: 2, busy, waiting: busy * 2, pool: { total: 0, idle: 0, waiting: 0, max: 16 } },
  });
  const together = summarise([
    sample(0, { CPU: 1 }, 0, 0),
    sample(1_000, { Lock: 2 }, 50, 2),
    sample(2_000, { Lock: 1 }, 100, 2),
  ]);
  expect(together).toMatchObject({
    samples: 3,
    waits: { CPU: 0.25, Lock: 0.75 },
    hitShare: 0.5,
    readBlocksPerSecond: 50,
  });
  expect(together.busyShare).toBeCloseTo(2 / 3);
  expect(together.blockers).toMatchObject([{ pid: 7, waiting: 2 }]);
  expect(summarise([])).toMatchObject({ samples: 0, hitShare: null });
});

describe('which segments are looked at', () => {
  const known = Array.from({ length: 40 }, (_, i) => ({
    workspace: 'acme',
    segment: `s${i}`,
    kinds: [['property.is_set'], ['event.count'], ['property.number']][i % 3] as string[],
  }));

  test('of a baseline: every kind', () => {
    const samples = chooseSamples(known);
    expect(samples).toHaveLength(16);
    expect(samples.slice(0, 3).map(({ segment }) => segment)).toEqual(['s0', 's1', 's2']);
  });

  test('of an alert: the worst, then what can be compared, and one that is not slow', () => {
    const before = {
      segments: [
        { workspace: 'acme', segment: 's9' },
        { workspace: 'acme', segment: 's10' },
      ],
    } as never;
    const topSegments = [
      { workspace: 'acme', segment: 's30', ratio: 9, calculations: 5 },
      { workspace: 'acme', segment: 's33', ratio: 8, calculations: 5 },
    ];
    const chosen = chooseOf(anAlert({ topSegments, explains: [{ kind: 'property.number' }] }), known, before);
    expect(chosen.map(({ segment, role }) => `${segment} ${role}`)).toEqual([
      's30 affected',
      's9 affected',
      's33 affected',
      's10 unaffected',
    ]);
  });
});

test('words', () => {
  expect([count(44_000), count(3), count(2.54), count(23.7)]).toEqual(['44,000', '3', '2.5', '24']);
  expect([bytes(512), bytes(12 * 1024 ** 2)]).toEqual(['512 bytes', '12 MB']);
  expect([duration(300), duration(90_000), duration(600_000)]).toEqual(['300 ms', '90 s', '10 minutes']);
  const now = Date.parse('2026-03-02T08:00:00Z');
  expect([moment(now - 3_600_000, now), moment(now - 86_400_000, now)]).toEqual(['07:00 UTC', '2026-03-01 08:00 UTC']);
  expect(terminate({ pid: 7, application: "o'brien" })).toContain("application_name = 'o''brien'");
});
