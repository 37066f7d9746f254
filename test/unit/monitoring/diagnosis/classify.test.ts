import { classify } from '../../../../src/monitoring/diagnosis/classify.ts';
import type { Diagnosis } from '../../../../src/monitoring/diagnosis/diagnosis.ts';
import type {
  ActivityEvidence,
  Evidence,
  Holder,
  PlanFacts,
  Scan,
  SegmentEvidence,
  TableEvidence,
} from '../../../../src/monitoring/diagnosis/evidence.ts';
import { summarise } from '../../../../src/monitoring/diagnosis/sampler.ts';
import type { Alert } from '../../../../src/monitoring/types.ts';
import { anAlert } from '../../../support/alerts.ts';

/** What is made of two looks, without a database: `test/integration/monitoring/diagnosis` makes the faults. */

const NOW = Date.parse('2026-03-02T08:00:00Z');
const MINUTE = 60_000;

const scan = (change: Partial<Scan> = {}): Scan => ({
  relation: 'slices',
  index: 'slices_pkey',
  node: 'Index Scan',
  searches: 8,
  rows: 8,
  removedRows: 0,
  hitBlocks: 24,
  readBlocks: 0,
  heapFetches: 0,
  ...change,
});
const plan = (scans: readonly Scan[], change: Partial<PlanFacts> = {}): PlanFacts => ({
  statement: 'membership',
  shape: 'a',
  executionMs: 1,
  planningMs: 1,
  hitBlocks: scans.reduce((sum, { hitBlocks }) => sum + hitBlocks, 0),
  readBlocks: scans.reduce((sum, { readBlocks }) => sum + readBlocks, 0),
  tempReadBlocks: 0,
  tempWrittenBlocks: 0,
  spills: 0,
  misestimate: 1,
  scans,
  ...change,
});
const segment = (plans: readonly PlanFacts[], role: SegmentEvidence['role'] = 'affected'): SegmentEvidence => ({
  workspace: 'acme',
  segment: 'vip',
  role,
  kinds: ['property.is_set'],
  plans,
  phasesMs: null,
});
const table = (change: Partial<TableEvidence> = {}): TableEvidence => ({
  liveRows: 10_000,
  deadRows: 0,
  changedSinceAnalyze: 0,
  bytes: 80_000_000,
  indexBytes: 1_000_000,
  pages: 10_000,
  allVisiblePages: 10_000,
  lastVacuum: NOW - 60 * MINUTE,
  lastAnalyze: NOW - 60 * MINUTE,
  options: [],
  ...change,
});
const activity = (change: Partial<ActivityEvidence>): ActivityEvidence => ({
  ...summarise([]),
  samples: 60,
  ...change,
});

const look = (change: Partial<Evidence> = {}): Evidence => ({
  at: NOW,
  reason: 'opened',
  tookMs: 100,
  errors: [],
  segments: [segment([plan([scan()])])],
  tables: { slices: table() },
  indexes: {
    slices_pkey: {
      table: 'slices',
      definition: 'CREATE UNIQUE INDEX slices_pkey ON slices USING btree (shard)',
      valid: true,
      bytes: 1,
    },
  },
  settings: { work_mem: '4096kB', shared_buffers: '16384' },
  holders: [],
  blockers: [],
  activity: activity({}),
  pending: { properties: 0, events: 0, largest: null, largestCount: 0 },
  workspaces: {
    acme: { users: 1_000, calculationMs: 500, calculations: 100 },
    other: { users: 1_000, calculationMs: 500, calculations: 100 },
  },
  ...change,
});
const BASELINE = look({ at: NOW - 48 * 60 * MINUTE, reason: 'baseline' });

const diagnose = (
  now: Partial<Evidence>,
  alert: Partial<Alert> = {},
  before: Evidence | undefined = BASELINE,
): Diagnosis => classify({ alert: anAlert(alert), before, now: look(now) });

const holder: Holder = {
  kind: 'transaction',
  name: null,
  pid: 4711,
  application: 'reporting',
  user: 'bi',
  state: 'idle in transaction',
  since: Date.parse('2026-03-02T05:58:00Z'),
  age: 90_000,
};
const slow = [segment([plan([scan({ hitBlocks: 2_400 })])])];

describe('dead rows', () => {
  const dead = { slices: table({ deadRows: 50_000 }) };

  test('vacuum is held back, since when and by whom', () => {
    const found = diagnose({ segments: slow, tables: dead, holders: [holder] });
    expect(found).toMatchObject({ cause: 'vacuum_held_back', confidence: 'high', comparedWith: BASELINE.at });
    expect(found.sentence).toBe(
      'index scans on slices read 300 pages a look-up where they read 3: vacuum is held back by a transaction open since 05:58 UTC (pid 4711, application reporting)',
    );
    expect(found.evidence[0]).toEqual({ what: 'pages that a look-up in slices_pkey reads', before: '3', now: '300' });
  });

  test('index-only scans that go to the table', () => {
    const before = look({
      segments: [segment([plan([scan({ node: 'Index Only Scan', relation: 'events', index: 'events_by_time' })])])],
    });
    const segments = [
      segment([
        plan([scan({ node: 'Index Only Scan', relation: 'events', index: 'events_by_time', heapFetches: 44_000 })]),
      ]),
    ];
    const tables = { events: table({ allVisiblePages: 9_000 }) };
    expect(diagnose({ segments, tables, holders: [holder] }, {}, before).sentence).toMatch(
      /^index scans on events fetch 44,000 heap rows where they fetched none: vacuum is held back/,
    );
    expect(diagnose({ segments, tables }, {}, before)).toMatchObject({
      cause: 'visibility_map_spoiled',
      remedy: { sql: 'vacuum (analyze) events;' },
    });
  });

  test.each([
    [
      { kind: 'replication slot', name: 'standby_2', pid: null, since: null, state: 'inactive' },
      'the replication slot standby_2 (inactive)',
    ],
    [{ kind: 'prepared transaction', name: 'tx1', pid: null, state: 'prepared' }, 'the prepared transaction tx1'],
  ] as const)('also by %p', (change, text) => {
    const found = diagnose({ segments: slow, tables: dead, holders: [{ ...holder, ...change }] });
    expect(found.cause).toBe('vacuum_held_back');
    expect(found.sentence).toContain(text);
    expect(found.remedy.sql).toBeUndefined();
  });

  test('a transaction that has just begun is not accused: then it is bloat', () => {
    const found = diagnose({ segments: slow, tables: dead, holders: [{ ...holder, since: NOW - 500 }] });
    expect(found).toMatchObject({ cause: 'bloat', confidence: 'high', remedy: { sql: 'vacuum (analyze) slices;' } });
  });

  test('an open transaction alone slows nothing down', () => {
    expect(diagnose({ holders: [holder] }).cause).toBe('unknown');
  });

  test('a condition that reads more rows is not bloat', () => {
    const segments = [segment([plan([scan({ rows: 800, hitBlocks: 450 })])])];
    expect(diagnose({ segments: segments.map((each) => ({ ...each, segment: 'another' })) }).cause).toBe('unknown');
  });
});

test('a missing index, with what makes it again', () => {
  const segments = [segment([plan([scan({ node: 'Seq Scan', index: null, hitBlocks: 9_000 })], { shape: 'b' })])];
  const found = diagnose({ segments, indexes: {} });
  expect(found).toMatchObject({
    cause: 'index_missing',
    confidence: 'high',
    remedy: { sql: 'create unique index concurrently slices_pkey ON slices USING btree (shard);' },
  });
});

test('an index that nobody of the slow ones reads is no cause', () => {
  const before = look({ indexes: { x: { table: 'imports', definition: 'CREATE INDEX x', valid: true, bytes: 1 } } });
  expect(diagnose({ indexes: {} }, {}, before).cause).toBe('unknown');
});

test('stale statistics, with another plan or with the same that reads in vain', () => {
  const tables = { users: table({ changedSinceAnalyze: 300_000, liveRows: 320_000 }) };
  const users = (removedRows: number, hitBlocks: number): Scan =>
    scan({ relation: 'users', node: 'Seq Scan', index: null, searches: 1, rows: 9, removedRows, hitBlocks });
  const before = look({ segments: [segment([plan([users(3_000, 50)])])] });
  const found = diagnose({ segments: [segment([plan([users(300_000, 5_000)])])], tables }, {}, before);
  expect(found).toMatchObject({ cause: 'plan_changed', confidence: 'high', remedy: { sql: 'analyze users;' } });
  expect(found.sentence).toContain('reads 5,000 pages where it read 50; the statistics of users are from 07:00 UTC');
  const another = diagnose(
    { segments: [segment([plan([users(3_000, 50)], { shape: 'b', executionMs: 9 })])] },
    {},
    before,
  );
  expect(another).toMatchObject({ cause: 'plan_changed', confidence: 'medium' });
  const queue = (removedRows: number, hitBlocks: number): PlanFacts =>
    plan([users(removedRows, hitBlocks)], { statement: 'pending' });
  const looked = look({ segments: [segment([queue(0, 1)])] });
  expect(diagnose({ segments: [segment([queue(300_000, 5_000)])], tables }, {}, looked).cause).not.toBe('plan_changed');
});

test('locks: who holds what everybody waits for', () => {
  const blocker = { ...holder, pid: 4711, relation: 'slices', mode: 'AccessShareLock', waiting: 12 };
  const found = diagnose({ activity: activity({ waits: { Lock: 0.9, CPU: 0.1 }, blockers: [blocker] }) });
  expect(found).toMatchObject({ cause: 'lock_waits', confidence: 'high' });
  expect(diagnose({ activity: activity({ waits: { Lock: 0.05, CPU: 0.95 }, blockers: [blocker] }) }).cause).toBe(
    'unknown',
  );
});

test('temporary files', () => {
  expect(diagnose({ segments: [segment([plan([scan()], { tempWrittenBlocks: 4_000 })])] })).toMatchObject({
    cause: 'temporary_files',
    confidence: 'high',
  });
});

test('changes that wait to be folded, of the workspace that is slow', () => {
  const pending = { properties: 33_000, events: 0, largest: 'acme', largestCount: 32_000 };
  expect(diagnose({ pending }, { scope: { workspace: 'acme' } })).toMatchObject({
    cause: 'pending_changes',
    confidence: 'high',
  });
  expect(diagnose({ pending }).confidence).toBe('medium');
});

test('worker threads that are all busy, while the statements are as fast as ever', () => {
  const service = { threads: 4, busy: 4, waiting: 9, pool: { total: 1, idle: 1, waiting: 0, max: 16 } };
  const found = diagnose({ service, activity: activity({ busyShare: 0.97, waitingTasks: 8 }) });
  expect(found).toMatchObject({ cause: 'pool_saturated', confidence: 'high' });
});

test('a database that accepts no more connections', () => {
  const errors = [{ part: 'connection', message: 'sorry, too many clients already' }];
  const found = classify({ alert: anAlert(), before: BASELINE, now: { ...look(), errors, segments: [] } });
  expect(found).toMatchObject({ cause: 'pool_saturated', errors });
  expect(found.sentence).toContain('sorry, too many clients already');
});

test('the cache is lost', () => {
  const segments = [segment([plan([scan({ hitBlocks: 4, readBlocks: 20 })])])];
  const found = diagnose({ segments, activity: activity({ waits: { IO: 0.6, CPU: 0.4 }, hitShare: 0.5 }) });
  expect(found).toMatchObject({ cause: 'cache_or_io', confidence: 'high' });
  expect(found.sentence).toContain('83 % of the blocks that the slow statements need come from the disk where 0 % did');
});

test('settings, growth and a loud workspace', () => {
  expect(diagnose({ settings: { work_mem: '64kB', shared_buffers: '16384' } })).toMatchObject({
    cause: 'settings_changed',
  });
  const grown = {
    acme: { users: 9_000, calculationMs: 500, calculations: 100 },
    other: { users: 1_000, calculationMs: 500, calculations: 100 },
  };
  expect(diagnose({ workspaces: grown })).toMatchObject({ cause: 'growth', confidence: 'low' });
  const loud = {
    acme: { users: 1_000, calculationMs: 90_000, calculations: 900 },
    other: { users: 1_000, calculationMs: 500, calculations: 100 },
  };
  expect(diagnose({ workspaces: loud })).toMatchObject({ cause: 'noisy_workspace' });
});

test('everything is slow', () => {
  const machine = { cores: 2, load1: 9, availableBytes: 1, pressure: null };
  expect(diagnose({ machine }, { scope: {} })).toMatchObject({ cause: 'whole_database', confidence: 'medium' });
});

test('what comes first is what explains it by itself; the rest is said too', () => {
  const found = diagnose({
    segments: slow,
    tables: { slices: table({ deadRows: 50_000 }) },
    holders: [holder],
    settings: { work_mem: '64kB', shared_buffers: '16384' },
  });
  expect([found, ...found.also].map(({ cause, confidence }) => `${cause} ${confidence}`)).toEqual([
    'vacuum_held_back high',
    'settings_changed low',
  ]);
});

test('nothing was captured before', () => {
  const found = classify({ alert: anAlert(), before: undefined, now: look() });
  expect(found).toMatchObject({ cause: 'unknown', confidence: 'low', comparedWith: null });
  expect(found.sentence).toContain('nothing was captured before');
});

test('a service at rest, and late newsletters, are no slow database', () => {
  const machine = { cores: 2, load1: 1, availableBytes: 1, pressure: null };
  const late = { rule: 'late', scope: {} } as const;
  const once = activity({ samples: 20, active: 1 / 20, waits: { IO: 1 } });
  expect(classify({ alert: anAlert(late), before: undefined, now: { ...look(), machine, activity: once } }).cause).toBe(
    'unknown',
  );
  expect(diagnose({ machine: { ...machine, load1: 9 } }, late)).toMatchObject({
    cause: 'whole_database',
    sentence: 'the machine has a load of 9 on 2 processors',
  });
});

test('where nothing was looked at before, nothing is said of then', () => {
  const now = { ...look(), activity: activity({ samples: 20, active: 3, waits: { IO: 0.8, CPU: 0.2 } }) };
  const { cause, sentence } = classify({ alert: anAlert(), before: undefined, now });
  expect(cause).toBe('cache_or_io');
  expect(sentence).toMatch(/^80 % of what is active waits for the disk: /);
});
