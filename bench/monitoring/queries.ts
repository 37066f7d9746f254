import type pg from 'pg';
import { sql } from '../../src/database/sql.ts';
import { cpuOf } from './cpu.ts';
import { readSeries, type SeriesRange } from '../../src/monitoring/queries/series.ts';
import type { Slice } from '../../src/monitoring/live/rollups.ts';

const DAY_MS = 86_400_000;
const RUNS = 5;

export interface QueryTime {
  readonly query: string;
  readonly points: number;
  readonly step: string;
  readonly firstMs: number;
  /** Of the runs after the first. */
  readonly medianMs: number;
  /** What this process and its backend worked in one of these, however much else the machine had to do. */
  readonly cpuMs: number;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** What the dashboards ask. */
export const askAll = async (client: pg.Client): Promise<QueryTime[]> => {
  const { rows } = await client.query<{ id: number; name: string }>(
    `select workspace_id as id, name from monitor_hours where scope = 'segment' and bucket = (select max(bucket) from monitor_hours) limit 6`,
  );
  const [one, ...others] = rows;
  if (one === undefined) throw new Error('there is nothing to ask for');
  const { rows: backend } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const pid = backend[0]?.pid ?? 0;
  const toMs = Date.now();
  const last = (days: number): SeriesRange => ({ fromMs: toMs - days * DAY_MS, toMs });
  const all: Slice = { scope: 'all', workspaceId: 0, name: '' };
  const kind: Slice = { scope: 'kind', workspaceId: 0, name: 'property.is_set' };
  const workspace: Slice = { scope: 'workspace', workspaceId: one.id, name: '' };
  const pair: Slice = { scope: 'workspace_kind', workspaceId: one.id, name: 'property.is_set' };
  const segment = (at: number): Slice => {
    const row = others[at] ?? one;
    return { scope: 'segment', workspaceId: row.id, name: row.name };
  };
  const asked: [string, Slice, SeriesRange][] = [
    ['everything, 90 days', all, last(90)],
    ['everything, 90 days by the hour', all, { ...last(90), step: '1h' }],
    ['a kind, 90 days', kind, last(90)],
    ['a workspace, 90 days', workspace, last(90)],
    ['a kind in a workspace, 90 days', pair, last(90)],
    ['a segment, 90 days', segment(0), last(90)],
    ['another segment, 90 days', segment(1), last(90)],
    ['everything, 1 day', all, last(1)],
    ['a kind, 6 hours', kind, last(0.25)],
    ['a workspace, 7 days', workspace, last(7)],
  ];
  const times: QueryTime[] = [];
  for (const [query, slice, range] of asked) {
    const runs: number[] = [];
    const before = { cpu: process.cpuUsage(), backend: cpuOf(pid) };
    let series = await timed(() => readSeries(client, slice, range, toMs - 13 * DAY_MS), runs);
    for (let run = 1; run < RUNS; run++)
      series = await timed(() => readSeries(client, slice, range, toMs - 13 * DAY_MS), runs);
    const [firstMs = 0, ...rest] = runs;
    const { user, system } = process.cpuUsage(before.cpu);
    const backendMs = ((cpuOf(pid) ?? 0) - (before.backend ?? 0)) * 1000;
    const cpuMs = (backendMs + (user + system) / 1000) / RUNS;
    times.push({ query, points: series.points.length, step: series.step, firstMs, medianMs: median(rest), cpuMs });
  }
  return times;
};

const timed = async <T>(work: () => Promise<T>, runs: number[]): Promise<T> => {
  const began = performance.now();
  const result = await work();
  runs.push(performance.now() - began);
  return result;
};

/** The plan of the one that reads most, a segment's 90 days. */
export const explainSegment = async (client: pg.Client): Promise<string> => {
  const { rows } = await client.query<{ id: number; name: string }>(
    `select workspace_id as id, name from monitor_hours where scope = 'segment' and bucket = (select min(bucket) from monitor_hours) limit 1`,
  );
  const { rows: plan } = await client.query<{ 'QUERY PLAN': string }>(
    `explain (analyze, buffers, timing off) ${sql('monitor-series-hours')}`,
    ['segment', rows[0]?.id, rows[0]?.name, new Date(Date.now() - 90 * DAY_MS), new Date()],
  );
  return plan.map((row) => row['QUERY PLAN']).join('\n');
};
