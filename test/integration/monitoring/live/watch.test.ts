import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type pg from 'pg';
import { openClient } from '../../../../src/database/connect.ts';
import { recordAlertEvents } from '../../../../src/monitoring/alerts/record.ts';
import { partitionedTables } from '../../../../src/monitoring/live/partitions.ts';
import { requestAccept } from '../../../../src/monitoring/live/requests.ts';
import { readView } from '../../../../src/monitoring/live/state.ts';
import { Watch, type WatchOptions } from '../../../../src/monitoring/live/watch.ts';
import { baselineChanges, baselinesOf, currentBaselines } from '../../../../src/monitoring/queries/baselines.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { type Ended, endCalculations } from '../../../support/ended.ts';
import { RecordingJudge } from '../../../support/recording-judge.ts';
import { createWorkspace, defineSegment } from '../../../support/workspace.ts';

const TIMEOUT_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let database: TestDatabase;
let client: pg.Client;
let workspaceId: number;
beforeEach(async () => {
  database = await createTestDatabase();
  client = await openClient(database.url);
  workspaceId = await createWorkspace(database.pool, 'acme');
  for (const key of ['a', 'b']) await defineSegment(database.pool, workspaceId, key, { type: 'all', of: [] });
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

const options = (change: Partial<WatchOptions> = {}): WatchOptions => ({
  client,
  leader: randomUUID(),
  judgeFrom: (state) => new RecordingJudge(state),
  tables: partitionedTables({ factDays: 10, minuteDays: 5, hourDays: 60 }),
  timeoutMs: TIMEOUT_MS,
  tell: recordAlertEvents,
  graceMs: 0,
  ...change,
});

const ago = (ms: number): Date => new Date(Math.floor(Date.now() / 1000) * 1000 - ms);
const end = (...ended: Ended[]): Promise<number[]> => endCalculations(database.pool, workspaceId, ended);
const facts = async (): Promise<Record<string, unknown>[]> =>
  (await database.pool.query('select * from monitor_facts order by id')).rows;
const logOf = (watch: Watch): readonly string[] => (watch.judge as RecordingJudge).memory.log;

test('a calculation that ended becomes a fact with all that is known of it', async () => {
  const finishedAt = ago(5_000);
  const [id] = await end({
    segment: 'a',
    finishedAt,
    kinds: ['event.count', 'property.equals'],
    durationMs: 16,
    queueMs: 2.5,
    attempts: 2,
    late: true,
    trigger: 'newsletter',
    population: 500,
  });
  const watch = await Watch.restore(options());
  const { facts: taken, more } = await watch.step();
  expect([taken, more]).toEqual([1, false]);
  const { rows } = await database.pool.query(`select definition from segments where key = 'a'`);
  expect(await facts()).toEqual([
    {
      id: 1,
      finished_at: finishedAt,
      calculation_id: id,
      workspace_id: workspaceId,
      segment_key: 'a',
      segment_version: 1,
      definition: rows[0].definition,
      kinds: ['event.count', 'property.equals'],
      trigger: 'newsletter',
      outcome: 'succeeded',
      error_code: null,
      attempts: 2,
      late: true,
      population: 500,
      members: 50,
      queue_ms: 2.5,
      freshen_ms: 0.5,
      compile_ms: 0.25,
      query_ms: 8,
      store_ms: 1.5,
      duration_ms: 16,
      residual: expect.closeTo(Math.log(2), 6),
    },
  ]);
});

test('failures, timeouts, cancellations and late sends are facts too, and a timeout took at least its limit', async () => {
  await end(
    { segment: 'a', finishedAt: ago(9_000), state: 'failed', errorCode: 'statement_failed', durationMs: 30 },
    { segment: 'a', finishedAt: ago(8_000), state: 'failed', errorCode: 'timeout', durationMs: 59_000 },
    { segment: 'a', finishedAt: ago(7_000), state: 'cancelled', errorCode: 'superseded', durationMs: 40 },
    { segment: 'a', finishedAt: ago(6_000), state: 'cancelled', errorCode: 'cancelled', unstarted: true, late: true },
  );
  await (await Watch.restore(options())).step();
  expect(await facts()).toMatchObject([
    { outcome: 'failed', error_code: 'statement_failed', duration_ms: 30, segment_version: 1 },
    { outcome: 'timeout', error_code: 'timeout', duration_ms: TIMEOUT_MS },
    { outcome: 'cancelled', error_code: 'superseded', duration_ms: 40 },
    { outcome: 'cancelled', duration_ms: 0, segment_version: null, kinds: ['property.equals'], late: true },
  ]);
  const { rows } = await database.pool.query(
    `select sum(calculations)::int as calculations, sum(failed)::int as failed, sum(timeouts)::int as timeouts,
            sum(cancelled)::int as cancelled, sum(late)::int as late, sum(timed)::int as timed, sum(duration_ms) as duration_ms
     from monitor_hours where scope = 'all'`,
  );
  expect(rows).toEqual([
    { calculations: 4, failed: 1, timeouts: 1, cancelled: 2, late: 1, timed: 1, duration_ms: TIMEOUT_MS },
  ]);
});

test('each calculation is taken once, in the order in which they ended, however many steps it takes', async () => {
  const many = Array.from({ length: 25 }, (_, i) => ({
    segment: 'a',
    finishedAt: ago(60_000 - i * 1000),
    durationMs: i + 1,
  }));
  await end(...many.toReversed());
  const watch = await Watch.restore(options({ stepFacts: 10 }));
  const steps = [await watch.step(), await watch.step(), await watch.step(), await watch.step()];
  expect(steps.map((step) => [step.facts, step.more])).toEqual([
    [10, true],
    [10, true],
    [5, false],
    [0, false],
  ]);
  expect((await facts()).map((fact) => fact['duration_ms'])).toEqual(many.map(({ durationMs }) => durationMs));
  const { rows } = await database.pool.query('select count(*)::int as n from calculations where not recorded');
  expect(rows).toEqual([{ n: 0 }]);
});

test('a definition is told by its condition: lists leave it, edits and referred segments change it', async () => {
  const { pool } = database;
  await defineSegment(pool, workspaceId, 'outer', { type: 'segment', segment: 'a' });
  await end({ segment: 'outer', finishedAt: ago(9_000), kinds: ['property.equals', 'segment'] });
  const watch = await Watch.restore(options());
  await watch.step();
  await pool.query(
    `update segments set definition = nextval('segment_definitions'), definition_since = 2, version = 2 where key = 'a'`,
  );
  await end(
    { segment: 'a', finishedAt: ago(8_000), version: 1 },
    { segment: 'a', finishedAt: ago(7_000), version: 3 },
    { segment: 'outer', finishedAt: ago(6_000), kinds: ['property.equals', 'segment'] },
  );
  await watch.step();
  const { rows } = await pool.query<{ key: string; definition: number }>('select key, definition from segments');
  const now = Object.fromEntries(rows.map((row) => [row.key, row.definition]));
  expect((await facts()).map((fact) => fact['definition'])).toEqual([now['outer'], null, now['a'], now['a']]);
  // What was calculated of an older definition is counted, and says nothing of the present one.
  expect(logOf(watch).filter((line) => /^(?:a|b|outer) /.test(line))).toHaveLength(3);
});

test('rollups are exactly what SQL makes of the facts', async () => {
  const other = await createWorkspace(database.pool, 'other');
  const kinds = ['event.count', 'property.equals', 'property.is_set'];
  const random = (i: number): number => (Math.imul(i + 1, 2_654_435_761) >>> 0) / 2 ** 32;
  const some = (of: number): Ended[] =>
    Array.from({ length: 200 }, (_, i) => ({
      segment: i % 3 === 0 ? 'a' : 'b',
      finishedAt: ago(5_000 + Math.floor(random(i + of) * 3 * HOUR_MS)),
      durationMs: 0.5 + random(i * 7 + of) ** 4 * 20_000,
      kinds: kinds.filter((_, k) => random(i * 11 + k + of) > 0.5),
      attempts: 1 + (i % 5 === 0 ? 2 : 0),
      late: i % 9 === 0,
      ...(i % 17 === 0 ? { state: 'failed', errorCode: i % 2 === 0 ? 'timeout' : 'internal' } : {}),
    }));
  const watch = await Watch.restore(options());
  for (const seed of [1, 2]) {
    await endCalculations(database.pool, workspaceId, some(seed));
    await endCalculations(database.pool, other, some(seed + 10));
    await watch.step();
  }
  for (const [table, unit, scopes] of [
    ['monitor_hours', 'hour', ['all', 'kind', 'workspace', 'workspace_kind', 'segment']],
    ['monitor_minutes', 'minute', ['all', 'kind', 'workspace']],
  ] as const) {
    const { rows } = await database.pool.query<{ scope: string; expected: unknown; found: unknown }>(
      `with sliced as (
         select f.*, s.* from monitor_facts f cross join lateral (
           select 'all' as scope, 0 as of, '' as name
           union all select 'workspace', f.workspace_id, ''
           union all select 'segment', f.workspace_id, f.segment_key
           union all select 'kind', 0, k from unnest(f.kinds) k
           union all select 'workspace_kind', f.workspace_id, k from unnest(f.kinds) k) s
         where s.scope = any ($1)
       ), expected as (
         select scope, of as workspace_id, name, date_trunc('${unit}', finished_at, 'UTC') as bucket, count(*)::int as calculations,
           count(*) filter (where outcome = 'failed')::int as failed, count(*) filter (where outcome = 'timeout')::int as timeouts,
           count(*) filter (where outcome = 'cancelled')::int as cancelled, count(*) filter (where late)::int as late,
           sum(attempts - 1)::int as retries, count(*) filter (where outcome in ('succeeded', 'timeout'))::int as timed,
           coalesce(round(sum(duration_ms::numeric) filter (where outcome in ('succeeded', 'timeout')), 1), 0) as duration_ms,
           coalesce(round(sum(queue_ms::numeric), 1), 0) as queue_ms,
           count(residual) filter (where outcome in ('succeeded', 'timeout'))::int as judged,
           coalesce(round(sum(residual::numeric) filter (where outcome in ('succeeded', 'timeout')), 3), 0) as residual
         from sliced group by 1, 2, 3, 4
       ), found as (
         select scope, workspace_id, name, bucket, calculations, failed, timeouts, cancelled, late, retries, timed,
                round(duration_ms::numeric, 1) as duration_ms, round(queue_ms::numeric, 1) as queue_ms, judged,
                round(residual::numeric, 3) as residual
         from ${table}
       )
       select coalesce(e.scope, f.scope) as scope, to_jsonb(e) as expected, to_jsonb(f) as found
       from expected e full join found f using (scope, workspace_id, name, bucket)`,
      [scopes],
    );
    expect(rows.length).toBeGreaterThan(scopes.length * 3);
    expect(new Set(rows.map(({ scope }) => scope))).toEqual(new Set(scopes));
    const close = (value: unknown): unknown =>
      value !== null && typeof value === 'object'
        ? Object.fromEntries(
            Object.entries(value).map(([key, of]) => [
              key,
              ['duration_ms', 'queue_ms', 'residual'].includes(key) ? expect.closeTo(of as number, 0) : of,
            ]),
          )
        : value;
    for (const { expected, found } of rows) expect(found).toEqual(close(expected));
  }
});

test('histograms hold every calculation that is timed, and no other', async () => {
  await end(
    ...Array.from({ length: 30 }, (_, i) => ({ segment: 'a', finishedAt: ago(5_000 + i), durationMs: 1 + i * i })),
    { segment: 'a', finishedAt: ago(5_000), state: 'cancelled', errorCode: 'cancelled' } as const,
  );
  await (await Watch.restore(options())).step();
  const { rows } = await database.pool.query<{ durations: number[]; residuals: number[]; timed: number }>(
    `select durations, residuals, timed from monitor_hours where scope = 'segment'`,
  );
  const counts = (of: 'durations' | 'residuals'): number =>
    rows.flatMap((row) => row[of].filter((_, i) => i % 2 === 1)).reduce((a, b) => a + b, 0);
  expect([counts('durations'), counts('residuals')]).toEqual([30, 30]);
});

test('another process goes on where this one was, with the same detector, and tells nothing twice', async () => {
  const some = (of: number): Ended[] =>
    Array.from({ length: 13 }, (_, i) => ({
      segment: i % 2 ? 'a' : 'b',
      finishedAt: ago(90_000 - of * 20_000 - i * 100),
      durationMs: of * 100 + i / 3,
    }));
  const first = await Watch.restore(options());
  await end(...some(1));
  await first.step();
  await requestAccept(database.pool, { scope: { kind: 'property.equals' }, by: 'ann', reason: 'new disks' });
  await first.step();
  await first.save();
  await end(...some(2));
  await first.step();
  await requestAccept(database.pool, { scope: {}, by: 'bob', reason: 'grown' });
  await end(...some(3));
  await first.step();

  const second = await Watch.restore(options());
  expect(logOf(second)).toEqual(logOf(first));
  expect(logOf(second).filter((line) => line.startsWith('accept'))).toEqual([
    'accept {"kind":"property.equals"} ann new disks',
    'accept {} bob grown',
  ]);
  await end(...some(4));
  await second.step();
  expect(logOf(second).filter((line) => /^[ab] /.test(line))).toHaveLength(52);
  const { rows } = await database.pool.query(
    'select count(*)::int as n, count(distinct alert_id)::int as alerts from alert_events',
  );
  expect(rows).toEqual([{ n: 5, alerts: 5 }]);
  // The first is behind now, and may not write any more.
  await expect(first.step()).rejects.toThrow(/another process/);
  expect(await facts()).toHaveLength(52);
});

test('where telling fails nothing of the step is kept, and the next one does it again', async () => {
  await end(...Array.from({ length: 12 }, (_, i) => ({ segment: 'a', finishedAt: ago(9_000 - i) })));
  const broken = await Watch.restore(
    options({
      tell: async () => {
        throw new Error('no room for alerts');
      },
    }),
  );
  await expect(broken.step()).rejects.toThrow('no room for alerts');
  expect(await facts()).toEqual([]);
  await (await Watch.restore(options())).step();
  expect(await facts()).toHaveLength(12);
  expect((await database.pool.query('select count(*)::int as n from alert_events')).rows).toEqual([{ n: 1 }]);
});

test('what is older than it is kept goes, whole partitions at a time, and is not recorded either', async () => {
  const watch = await Watch.restore(options());
  await end(
    { segment: 'a', finishedAt: ago(40 * DAY_MS) },
    { segment: 'a', finishedAt: ago(8 * DAY_MS) },
    { segment: 'a', finishedAt: ago(HOUR_MS) },
  );
  const { facts: taken } = await watch.step();
  expect(taken).toBe(2);
  const counts = async (): Promise<unknown> =>
    (
      await database.pool.query(
        `select (select count(*) from monitor_facts)::int as facts,
                (select count(*) from monitor_minutes where scope = 'all')::int as minutes,
                (select count(*) from monitor_hours where scope = 'all')::int as hours`,
      )
    ).rows[0];
  expect(await counts()).toEqual({ facts: 2, minutes: 1, hours: 2 });
  const shorter = await Watch.restore(
    options({ tables: partitionedTables({ factDays: 3, minuteDays: 3, hourDays: 3 }) }),
  );
  expect(await counts()).toMatchObject({ facts: 1, minutes: 1 });
  expect(await shorter.maintain()).toEqual([]);
  const { rows } = await database.pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'monitor_facts'::regclass order by 1`,
  );
  const first = `monitor_facts_${ago(3 * DAY_MS)
    .toISOString()
    .slice(0, 10)
    .replaceAll('-', '_')}`;
  expect(rows.filter(({ name }) => name < first)).toEqual([]);
});

test('partitions that are there before the day begins take what ends then', async () => {
  await Watch.restore(options());
  const { rows } = await database.pool.query(
    `select parent.relname as table, bool_or(child.relname = parent.relname || to_char(now() at time zone 'UTC' + interval '3 days', case parent.relname when 'monitor_hours' then '_YYYY_MM' else '_YYYY_MM_DD' end)) as ahead
     from pg_inherits i join pg_class child on child.oid = i.inhrelid join pg_class parent on parent.oid = i.inhparent
     where parent.relname like 'monitor%' and parent.relkind = 'p' group by 1 order by 1`,
  );
  expect(rows).toEqual(
    ['monitor_facts', 'monitor_freshness', 'monitor_hours', 'monitor_minutes'].map((table) => ({ table, ahead: true })),
  );
});

test('every process can show what the leader found, and the bands are kept beside the rollups', async () => {
  await end(...Array.from({ length: 12 }, (_, i) => ({ segment: 'a', finishedAt: ago(9_000 - i) })));
  const watch = await Watch.restore(options());
  const { view } = await watch.step();
  expect(await readView(database.pool)).toEqual(view);
  expect(view).toMatchObject({
    step: 1,
    recorder: { waiting: 0, lagMs: 0 },
    slices: [
      { scope: {}, ratio: 1.25, alerts: [] },
      { scope: { kind: 'property.equals' }, ratio: 1.5, alerts: ['alr_1'] },
      { scope: { workspace: 'acme' }, ratio: 1, alerts: ['alr_1'] },
    ],
    openAlerts: [{ id: 'alr_1', rule: 'slow', severity: 'drift', scope: { kind: 'property.equals' } }],
  });
  await end({ segment: 'a', finishedAt: ago(8_000) });
  await watch.step();
  const { rows } = await database.pool.query(
    `select scope, low, high from monitor_hours where low is not null order by scope`,
  );
  expect(rows).toEqual([
    { scope: 'all', low: 0.9, high: 1.1 },
    { scope: 'kind', low: 0.8, high: 1.2 },
    { scope: 'workspace', low: 0.7, high: 1.3 },
  ]);
});

test('baselines are kept with what they were, and only where they are others', async () => {
  const { pool } = database;
  const watch = await Watch.restore(options());
  const steps: number[] = [];
  for (const number of [1, 1, 20]) {
    await end(...Array.from({ length: number }, (_, i) => ({ segment: 'a', finishedAt: ago(9_000 - i) })));
    await watch.step();
    await watch.save();
    steps.push((await baselinesOf(pool, 'acme', 'a', 10)).length);
  }
  // 101, then 102, which is the same, then 122
  expect(steps).toEqual([1, 1, 2]);
  expect(await currentBaselines(pool, { limit: 10 })).toMatchObject([
    { segment: 'a', expectedMs: 122, calculations: 22 },
  ]);
  expect(await currentBaselines(pool, { limit: 10, after: { workspace: 'acme', segment: 'a' } })).toEqual([]);
  expect(await baselineChanges(pool, 10)).toMatchObject([{ version: 1, reason: 'first', by: null }]);
  const again = await Watch.restore(options());
  await again.save();
  expect(await baselinesOf(pool, 'acme', 'a', 10)).toHaveLength(2);
});

test('a saved state that cannot be read is learned anew from the facts, and nothing is told again', async () => {
  const first = await Watch.restore(options());
  const durations = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
  await end(...durations.map((durationMs, i) => ({ segment: 'a', finishedAt: ago(60_000 - i * 1_000), durationMs })));
  await first.step();
  await first.save();
  const other = await Watch.restore(
    options({ judgeFrom: (state) => (state === undefined ? new RecordingJudge(undefined) : undefined) }),
  );
  const seen = logOf(other).filter((line) => line.startsWith('a '));
  expect(seen.map((line) => Number(line.split(' ')[2]))).toEqual(durations);
  expect((await other.step()).events).toEqual([]);
  expect((await database.pool.query('select count(*)::int as n from alert_events')).rows).toEqual([{ n: 1 }]);
});
