import { invalid } from '../../core/errors.ts';
import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import { bucketAt, durationAt, type Histogram, residualAt, trimmedMean } from '../live/histogram.ts';
import { MINUTE_SCOPES, Rollup, type RollupUnit, type Slice, type SumsRow } from '../live/rollups.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What a point may stand for. */
export const STEPS = {
  '1m': MINUTE_MS,
  '5m': 5 * MINUTE_MS,
  '15m': 15 * MINUTE_MS,
  '1h': HOUR_MS,
  '3h': 3 * HOUR_MS,
  '6h': 6 * HOUR_MS,
  '12h': 12 * HOUR_MS,
  '1d': DAY_MS,
} as const;
export type StepName = keyof typeof STEPS;
export const STEP_NAMES = Object.keys(STEPS) as StepName[];

/** So many a chart can show; a step is chosen that gives no more. */
const USUAL_POINTS = 300;
const MAX_POINTS = 5_000;
/** As the detector trims, so that both show the same. */
const TRIM = 0.2;

/** What is drawn of one stretch of time. Times are epoch milliseconds, ratios × normal; null where nothing is known. */
export interface Point {
  readonly at: number;
  readonly calculations: number;
  readonly failed: number;
  readonly timeouts: number;
  readonly cancelled: number;
  readonly late: number;
  readonly retries: number;
  /** The trimmed mean. */
  readonly ratio: number | null;
  /** Within these it is not told from noise, as seen at the end of the stretch. */
  readonly band: { readonly low: number; readonly high: number } | null;
  /** On average, and what the same calculations would take normally. */
  readonly meanMs: number | null;
  readonly normalMs: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly queueMs: number | null;
}

export interface Series {
  readonly step: StepName;
  readonly points: readonly Point[];
}

export interface SeriesRange {
  /** Epoch milliseconds, from inside, to outside. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly step?: StepName;
}

const STATEMENTS = {
  minute: { name: 'monitor-series-minutes', text: sql('monitor-series-minutes') },
  hour: { name: 'monitor-series-hours', text: sql('monitor-series-hours') },
};

interface SeriesRow extends SumsRow {
  readonly bucket: Date;
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * The step that gives a chart's number of points. Minutes are there for some slices only, and for the last weeks only.
 *
 * @throws 422 for a step that is not kept, or gives too many points
 */
export const chooseStep = (slice: Slice, { fromMs, toMs, step }: SeriesRange, minutesSinceMs: number): StepName => {
  const hasMinutes = MINUTE_SCOPES.has(slice.scope) && fromMs >= minutesSinceMs;
  const fits = (name: StepName): boolean => hasMinutes || STEPS[name] >= HOUR_MS;
  if (step === undefined)
    return STEP_NAMES.find((name) => fits(name) && (toMs - fromMs) / STEPS[name] <= USUAL_POINTS) ?? '1d';
  if (!fits(step))
    throw invalid(
      MINUTE_SCOPES.has(slice.scope)
        ? `what was before ${new Date(minutesSinceMs).toISOString()} is kept by the hour`
        : 'segments, and kinds within a workspace, are kept by the hour',
      { path: 'step', hint: 'use 1h, or leave it out' },
    );
  if ((toMs - fromMs) / STEPS[step] > MAX_POINTS)
    throw invalid(`that is more than ${MAX_POINTS} points`, {
      path: 'step',
      hint: 'use a larger one, or leave it out',
    });
  return step;
};

const quantile = (durations: Histogram, q: number): number | null => {
  const bucket = bucketAt(durations, q);
  return bucket === undefined ? null : durationAt(bucket);
};

const pointOf = (at: number, rollup: Rollup, band: Point['band']): Point => {
  const { calculations, failed, timeouts, cancelled, late, retries, timed, duration_ms, queue_ms, judged, normal_ms } =
    rollup.sums;
  const durations = rollup.durations.toHistogram();
  const residual = trimmedMean(rollup.residuals.toHistogram(), TRIM, residualAt);
  return {
    at,
    calculations,
    failed,
    timeouts,
    cancelled,
    late,
    retries,
    ratio: residual === undefined ? null : Math.exp(residual),
    band,
    meanMs: timed === 0 ? null : duration_ms / timed,
    normalMs: judged === 0 ? null : normal_ms / judged,
    p50Ms: quantile(durations, 0.5),
    p95Ms: quantile(durations, 0.95),
    p99Ms: quantile(durations, 0.99),
    queueMs: calculations === 0 ? null : queue_ms / calculations,
  };
};

/** What a slice's calculations did over time. Stretches in which nothing ended have no point. */
export const readSeries = async (
  db: Queryable,
  slice: Slice,
  range: SeriesRange,
  minutesSinceMs: number,
): Promise<Series> => {
  const step = chooseStep(slice, range, minutesSinceMs);
  const stepMs = STEPS[step];
  const unit: RollupUnit = stepMs < HOUR_MS ? 'minute' : 'hour';
  const fromMs = Math.floor(range.fromMs / stepMs) * stepMs;
  const { rows } = await db.query<SeriesRow>({
    ...STATEMENTS[unit],
    values: [slice.scope, slice.workspaceId, slice.name, new Date(fromMs), new Date(range.toMs)],
  });
  const stretches = new Map<number, { readonly rollup: Rollup; band: Point['band'] }>();
  for (const row of rows) {
    const at = Math.floor(row.bucket.getTime() / stepMs) * stepMs;
    let stretch = stretches.get(at);
    if (stretch === undefined) stretches.set(at, (stretch = { rollup: new Rollup(slice, at), band: null }));
    stretch.rollup.merge(row);
    if (row.low !== null && row.high !== null) stretch.band = { low: row.low, high: row.high };
  }
  return { step, points: [...stretches].map(([at, { rollup, band }]) => pointOf(at, rollup, band)) };
};
