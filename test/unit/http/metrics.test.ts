import { Registry } from 'prom-client';
import { Metrics, type FinishedCalculation } from '../../../src/http/metrics.ts';
import { plain, registerReadings, shared } from '../../../src/http/metrics/at-scrape.ts';
import type { View } from '../../../src/monitoring/live/view.ts';
import { MONITOR, monitorReadings, type MonitorReadings } from '../../../src/http/metrics/monitor.ts';

const DONE: FinishedCalculation = {
  trigger: 'newsletter',
  attempt: 1,
  outcome: 'succeeded',
  kinds: ['property.equals', 'property.is_set'],
  timingsMs: { queue: 3_000, freshen: 1, compile: 2, query: 900, store: 97, total: 4_000 },
};

/** The samples of a metric as Prometheus reads them: labels to value. */
const samplesOf = async (metrics: Pick<Metrics, 'registry'>, name: string): Promise<Record<string, number>> => {
  const lines = (await metrics.registry.metrics()).split('\n').filter((line) => /^[a-z_]+/.exec(line)?.[0] === name);
  return Object.fromEntries(
    lines.map((line) => {
      const [, labels = '', value] = /^[a-z_]+(?:\{(.*)\})? (.*)$/.exec(line) ?? [];
      return [labels, Number(value)];
    }),
  );
};

describe('a calculation', () => {
  it('is one observation, and one more for each of its kinds', async () => {
    const metrics = new Metrics();
    metrics.calculation(DONE);
    const counts = await samplesOf(metrics, 'evenkeel_calculation_duration_seconds_count');
    expect(counts['trigger="newsletter",outcome="succeeded"']).toBe(1);
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(await samplesOf(metrics, 'evenkeel_calculation_duration_seconds_sum')).toMatchObject({
      'trigger="newsletter",outcome="succeeded"': 1,
    });
    expect(await samplesOf(metrics, 'evenkeel_calculation_kind_duration_seconds_count')).toEqual({
      'kind="property.equals"': 1,
      'kind="property.is_set"': 1,
    });
    expect(await samplesOf(metrics, 'evenkeel_queue_wait_seconds_sum')).toMatchObject({ 'trigger="newsletter"': 3 });
  });

  it('that is tried again is counted when it ends, and its wait once', async () => {
    const metrics = new Metrics();
    metrics.calculation({ ...DONE, outcome: 'retried', lateMs: 5_000 });
    metrics.calculation({ ...DONE, attempt: 2, outcome: 'failed', kinds: [], lateMs: 7_000 });
    expect(await samplesOf(metrics, 'evenkeel_calculation_retries_total')).toEqual({ '': 1 });
    expect(await samplesOf(metrics, 'evenkeel_queue_wait_seconds_count')).toMatchObject({ 'trigger="newsletter"': 1 });
    expect(await samplesOf(metrics, 'evenkeel_send_lateness_seconds_count')).toEqual({ '': 1 });
    expect(await samplesOf(metrics, 'evenkeel_sends_late_total')).toEqual({ '': 1 });
  });

  it('with a deadline is on time, late, or not told of where it was given up', async () => {
    const metrics = new Metrics();
    metrics.calculation({ ...DONE, lateMs: -60_000 });
    metrics.calculation({ ...DONE, lateMs: 2_000 });
    metrics.calculation({ ...DONE, outcome: 'lost', lateMs: 9_000 });
    metrics.calculation(DONE);
    expect(await samplesOf(metrics, 'evenkeel_send_lateness_seconds_bucket')).toMatchObject({
      'le="0"': 1,
      'le="1"': 1,
      'le="5"': 2,
      'le="+Inf"': 2,
    });
    expect(await samplesOf(metrics, 'evenkeel_sends_late_total')).toEqual({ '': 1 });
  });
});

it('shows what has not happened yet as 0, so that a rate sees the first one', async () => {
  const metrics = new Metrics();
  for (const name of [
    'evenkeel_sends_late_total',
    'evenkeel_calculation_retries_total',
    'evenkeel_imports_ended_total',
    'evenkeel_schedule_looks_total',
    'evenkeel_calculation_duration_seconds_count',
    'evenkeel_freshness_seconds_count',
    'evenkeel_database_pool_wait_seconds_count',
    'evenkeel_queue_wait_seconds_count',
  ]) {
    const samples = Object.values(await samplesOf(metrics, name));
    expect([name, samples.length > 0, samples.every((value) => value === 0)]).toEqual([name, true, true]);
  }
});

it('tells an import’s freshness only where it brought something', async () => {
  const metrics = new Metrics();
  metrics.import({ outcome: 'succeeded', visibleAfterMs: 90_000 });
  metrics.import({ outcome: 'failed', visibleAfterMs: 90_000 });
  expect(await samplesOf(metrics, 'evenkeel_freshness_seconds_count')).toMatchObject({ 'source="import"': 1 });
  expect(await samplesOf(metrics, 'evenkeel_freshness_seconds_sum')).toMatchObject({ 'source="import"': 90 });
  expect(await samplesOf(metrics, 'evenkeel_imports_ended_total')).toMatchObject({ 'outcome="failed"': 1 });
});

describe('what is read at the scrape', () => {
  const slice = { ratio: 1.4, band: { low: 0.9, high: 1.1 }, rollingMs: 70, baselineMs: 50 };
  const view: MonitorReadings = {
    all: slice,
    kinds: [{ kind: 'property.is_set', ...slice, ratio: 3.5 }],
    openAlerts: [
      { rule: 'slow', severity: 'critical' },
      { rule: 'slow', severity: 'critical' },
      { rule: 'late', severity: 'warning' },
    ],
    recorder: { waiting: 3, lagMs: 250 },
    detector: { leading: true, lagMs: 1_500 },
  };
  const registryOf = (read: () => Promise<MonitorReadings>): Metrics => {
    const metrics = new Metrics();
    registerReadings(metrics.registry, shared(read, 0), MONITOR);
    return metrics;
  };

  it('has base units, kinds as labels, and alerts by rule and severity', async () => {
    const metrics = registryOf(async () => view);
    expect(await samplesOf(metrics, 'evenkeel_slowdown_ratio')).toEqual({ '': 1.4 });
    expect(await samplesOf(metrics, 'evenkeel_kind_slowdown_ratio')).toEqual({ 'kind="property.is_set"': 3.5 });
    expect(await samplesOf(metrics, 'evenkeel_kind_baseline_seconds')).toEqual({ 'kind="property.is_set"': 0.05 });
    expect(await samplesOf(metrics, 'evenkeel_open_alerts')).toMatchObject({
      'rule="slow",severity="critical"': 2,
      'rule="late",severity="warning"': 1,
      'rule="stale",severity="drift"': 0,
    });
    expect(await samplesOf(metrics, 'evenkeel_recorder_lag_seconds')).toEqual({ '': 0.25 });
  });

  it('counts what is counted elsewhere as it stands there: a second scrape does not add to the first', async () => {
    const registry = new Registry();
    const readings = [
      { name: 'blocks_total', help: 'Blocks.', type: 'counter' as const, samples: (n: number) => plain(n) },
    ];
    registerReadings(registry, async () => 7, readings);
    expect(await samplesOf({ registry }, 'blocks_total')).toEqual({ '': 7 });
    expect(await samplesOf({ registry }, 'blocks_total')).toEqual({ '': 7 });
  });

  it('is left out where it is not known, and forgotten when it is not known any more', async () => {
    let now: MonitorReadings = view;
    let fails = false;
    const metrics = registryOf(async () => {
      if (fails) throw new Error('the database is away');
      return now;
    });
    expect(await samplesOf(metrics, 'evenkeel_detector_lag_seconds')).toEqual({ '': 1.5 });
    now = { ...view, all: null, kinds: [], openAlerts: [], detector: { leading: false, lagMs: 90_000 } };
    expect(await samplesOf(metrics, 'evenkeel_detector_lag_seconds')).toEqual({ '': 90 });
    expect(await samplesOf(metrics, 'evenkeel_detector_leading')).toEqual({ '': 0 });
    expect(await samplesOf(metrics, 'evenkeel_slowdown_ratio')).toEqual({});
    expect(Math.max(...Object.values(await samplesOf(metrics, 'evenkeel_open_alerts')))).toBe(0);
    expect(await samplesOf(metrics, 'evenkeel_alerts_open')).toEqual({ '': 0 });
    fails = true;
    expect(await samplesOf(metrics, 'evenkeel_detector_leading')).toEqual({});
    expect(await samplesOf(metrics, 'evenkeel_kind_slowdown_ratio')).toEqual({});
  });

  it('is read once a scrape, and not again while it is fresh', async () => {
    let reads = 0;
    const read = shared(async () => (reads += 1), 60_000);
    expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1]);
    expect(await read()).toBe(1);
    const restless = shared(async () => (reads += 1), 0);
    await restless();
    await restless();
    expect(reads).toBe(3);
  });
});

describe('the view of the monitor', () => {
  const slice = {
    ratio: 2,
    band: { low: 0.9, high: 1.1 },
    hours: 1,
    calculations: 90,
    rollingMs: 8,
    baselineMs: 4,
    alerts: [],
  };
  const alert = { id: 'a', rule: 'slow', severity: 'critical', scope: {}, openedAt: 0, ratio: 2, summary: '' } as const;
  const view: View = {
    step: 7,
    at: 1_000_000,
    writtenAt: 1_000_100,
    slices: [
      { ...slice, scope: { workspace: 'acme' } },
      { ...slice, scope: { kind: 'property.is_set', workspace: 'acme' } },
      { ...slice, scope: { kind: 'property.is_set' }, ratio: 3 },
      { ...slice, scope: {}, ratio: 1.1 },
    ],
    openAlerts: [alert],
    recorder: { waiting: 4, lagMs: 900 },
    leading: true,
  };

  it('is told by kind and for all, and never by workspace', () => {
    const { all, kinds, openAlerts, recorder, detector } = monitorReadings(view, true, 1_004_000);
    expect(all?.ratio).toBe(1.1);
    expect(kinds.map(({ kind, ratio }) => [kind, ratio])).toEqual([['property.is_set', 3]]);
    expect(openAlerts).toEqual([alert]);
    expect([recorder, detector]).toEqual([
      { waiting: 4, lagMs: 900 },
      { leading: true, lagMs: 4_000 },
    ]);
  });

  it('is not told as if it were of now when nobody has judged for long', () => {
    const { all, kinds, openAlerts, detector } = monitorReadings(view, false, 1_000_000 + 16 * 60_000);
    expect([all, kinds, openAlerts, detector]).toEqual([null, [], [alert], { leading: false, lagMs: 16 * 60_000 }]);
  });

  it('is nothing before anybody has judged', () => {
    expect(monitorReadings(undefined, false, 5)).toEqual({
      all: null,
      kinds: [],
      openAlerts: [],
      recorder: null,
      detector: { leading: false, lagMs: null },
    });
  });
});

it('follows the practice of names: our prefix, base units, _total for counters and for nothing else', async () => {
  const metrics = new Metrics();
  const read = async () => {
    throw new Error('not asked');
  };
  metrics.build({ version: '1', node: '20', postgres: '18' });
  metrics.watch({
    work: read,
    health: read,
    monitor: () => monitorReadings(undefined, false, 0),
    unattended: read,
    process: () => ({
      threads: 2,
      busyThreads: 1,
      waitingQuestions: 0,
      connections: { total: 1, idle: 1, waiting: 0 },
    }),
  });
  const ours = metrics.registry
    .getMetricsAsArray()
    .map(({ name, type, help }) => ({ name, type: String(type), help }))
    .filter(({ name }) => name.startsWith('evenkeel_'));
  expect(ours.length).toBeGreaterThan(40);
  for (const { name, help } of ours) {
    expect(name).toMatch(/^evenkeel(_[a-z]+)+$/);
    expect(name).not.toMatch(/_(ms|milliseconds|percent|minutes|count|sum|bucket)$/);
    expect(help).toMatch(/\.$/);
  }
  const types = await metrics.registry.getMetricsAsJSON();
  for (const { name, type } of types.filter((each) => each.name.startsWith('evenkeel_'))) {
    expect([name, name.endsWith('_total')]).toEqual([name, String(type) === 'counter']);
    if (String(type) === 'histogram') expect(name).toMatch(/_seconds$/);
  }
});
