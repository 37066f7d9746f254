import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import type { JudgedFact } from '../recorder.ts';
import { Counts, durationBucket, readHistogram, residualBucket } from './histogram.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export type RollupScope = 'all' | 'kind' | 'workspace' | 'workspace_kind' | 'segment';

/** A slice: whose facts are added up. */
export interface Slice {
  readonly scope: RollupScope;
  /** 0: of all workspaces. */
  readonly workspaceId: number;
  /** The kind or the segment's key; '' where the scope has none. */
  readonly name: string;
}

export const ROLLUP_TABLES = { minute: 'monitor_minutes', hour: 'monitor_hours' } as const;
export type RollupUnit = keyof typeof ROLLUP_TABLES;
const UNIT_MS: Record<RollupUnit, number> = { minute: MINUTE_MS, hour: HOUR_MS };

/** Segments, and kinds within a workspace, are many and are looked at for days: they have hours only. */
export const MINUTE_SCOPES: ReadonlySet<RollupScope> = new Set(['all', 'kind', 'workspace']);

const slicesOf = (fact: JudgedFact): Slice[] => {
  const { workspaceId, segment, kinds } = fact;
  return [
    { scope: 'all', workspaceId: 0, name: '' },
    { scope: 'workspace', workspaceId, name: '' },
    { scope: 'segment', workspaceId, name: segment },
    ...kinds.flatMap((name): Slice[] => [
      { scope: 'kind', workspaceId: 0, name },
      { scope: 'workspace_kind', workspaceId, name },
    ]),
  ];
};

/** Sums over facts, as a row has them. */
export interface Sums {
  calculations: number;
  failed: number;
  timeouts: number;
  cancelled: number;
  late: number;
  retries: number;
  timed: number;
  duration_ms: number;
  queue_ms: number;
  judged: number;
  residual: number;
  normal_ms: number;
}
const SUM_NAMES = [
  'calculations',
  'failed',
  'timeouts',
  'cancelled',
  'late',
  'retries',
  'timed',
  'duration_ms',
  'queue_ms',
  'judged',
  'residual',
  'normal_ms',
] as const satisfies readonly (keyof Sums)[];

/** Sums of one slice and one minute or hour, which grow. */
export class Rollup {
  readonly slice: Slice;
  readonly bucketMs: number;
  readonly sums = Object.fromEntries(SUM_NAMES.map((name) => [name, 0])) as unknown as Sums;
  readonly durations = new Counts();
  readonly residuals = new Counts();

  constructor(slice: Slice, bucketMs: number) {
    this.slice = slice;
    this.bucketMs = bucketMs;
  }

  add(fact: JudgedFact): void {
    const { sums } = this;
    sums.calculations += 1;
    if (fact.outcome === 'failed') sums.failed += 1;
    if (fact.outcome === 'timeout') sums.timeouts += 1;
    if (fact.outcome === 'cancelled') sums.cancelled += 1;
    if (fact.late) sums.late += 1;
    sums.retries += Math.max(0, fact.attempts - 1);
    sums.queue_ms += fact.queueMs ?? 0;
    // What failed or was cancelled says nothing of how long it would have taken.
    if (fact.outcome === 'failed' || fact.outcome === 'cancelled') return;
    sums.timed += 1;
    sums.duration_ms += fact.durationMs;
    this.durations.add(durationBucket(fact.durationMs));
    if (Number.isNaN(fact.residual)) return;
    sums.judged += 1;
    sums.residual += fact.residual;
    sums.normal_ms += fact.durationMs / Math.exp(fact.residual);
    this.residuals.add(residualBucket(fact.residual));
  }

  merge(row: SumsRow): void {
    for (const name of SUM_NAMES) this.sums[name] += row[name];
    this.durations.merge(readHistogram(row.durations));
    this.residuals.merge(readHistogram(row.residuals));
  }
}

export interface SumsRow extends Readonly<Sums> {
  /** As PostgreSQL writes an array. */
  readonly durations: string;
  readonly residuals: string;
}

const keyOf = (slice: Slice, bucketMs: number): string =>
  `${slice.scope}\0${slice.workspaceId}\0${slice.name}\0${bucketMs}`;

/** Adds facts up by slice and minute or hour. */
export const rollUp = (facts: readonly JudgedFact[], unit: RollupUnit): ReadonlyMap<string, Rollup> => {
  const rollups = new Map<string, Rollup>();
  for (const fact of facts)
    for (const slice of slicesOf(fact)) {
      if (unit === 'minute' && !MINUTE_SCOPES.has(slice.scope)) continue;
      const bucketMs = Math.floor(fact.finishedAt / UNIT_MS[unit]) * UNIT_MS[unit];
      const key = keyOf(slice, bucketMs);
      let rollup = rollups.get(key);
      if (rollup === undefined) rollups.set(key, (rollup = new Rollup(slice, bucketMs)));
      rollup.add(fact);
    }
  return rollups;
};

const READ = {
  minute: { name: 'monitor-read-minutes', text: sql('monitor-read-minutes') },
  hour: { name: 'monitor-read-hours', text: sql('monitor-read-hours') },
};
const WRITE = {
  minute: { name: 'monitor-write-minutes', text: sql('monitor-write-minutes') },
  hour: { name: 'monitor-write-hours', text: sql('monitor-write-hours') },
};

const asArray = (histogram: readonly number[]): string => `{${histogram.join(',')}}`;

/** A slice's band of × normal, where one is known. */
export type BandOf = (slice: Slice) => { readonly low: number; readonly high: number } | undefined;

/**
 * Adds facts to the rollups that there are. Reads, adds and writes: there is one writer, and adding histograms up is quicker here than in
 * the database (decision 0033).
 *
 * @param db a transaction's client that has locked the position
 */
export const addToRollups = async (
  db: Queryable,
  unit: RollupUnit,
  facts: readonly JudgedFact[],
  bandOf: BandOf,
): Promise<void> => {
  const byKey = rollUp(facts, unit);
  const rollups = [...byKey.values()];
  if (rollups.length === 0) return;
  const keys = [
    rollups.map(({ slice }) => slice.scope),
    rollups.map(({ slice }) => slice.workspaceId),
    rollups.map(({ slice }) => slice.name),
    rollups.map(({ bucketMs }) => new Date(bucketMs)),
  ];
  const buckets = rollups.map(({ bucketMs }) => bucketMs);
  const { rows } = await db.query<SumsRow & { scope: RollupScope; workspace_id: number; name: string; bucket: Date }>({
    ...READ[unit],
    values: [...keys, new Date(Math.min(...buckets)), new Date(Math.max(...buckets))],
  });
  for (const row of rows)
    byKey
      .get(keyOf({ scope: row.scope, workspaceId: row.workspace_id, name: row.name }, row.bucket.getTime()))
      ?.merge(row);
  const bands = rollups.map(({ slice }) => bandOf(slice));
  await db.query({
    ...WRITE[unit],
    values: [
      ...keys,
      ...SUM_NAMES.map((name) => rollups.map(({ sums }) => sums[name])),
      rollups.map(({ durations }) => asArray(durations.toHistogram())),
      rollups.map(({ residuals }) => asArray(residuals.toHistogram())),
      bands.map((band) => band?.low ?? null),
      bands.map((band) => band?.high ?? null),
    ],
  });
};
