/**
 * Counts in buckets whose bounds grow by a constant factor, so that any quantile of what was counted comes out with a known relative
 * error, and histograms of parts add up to that of the whole: DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable
 * quantile sketch with relative-error guarantees", VLDB 2019), without a bound on the number of buckets, as a duration has 900 of
 * them between 1 µs and a day.
 *
 * Sparse, as PostgreSQL stores it: bucket, count, bucket, count, … in the order of the buckets.
 */
export type Histogram = readonly number[];

/** A quantile is off by at most 2 %. */
const ACCURACY = 0.02;
const GROWTH = (1 + ACCURACY) / (1 - ACCURACY);
const LN_GROWTH = Math.log(GROWTH);
/** A microsecond: everything below is told as this. */
const SMALLEST_MS = 0.001;
/** Buckets of residuals, which are logarithms already: 2 % wide. */
const RESIDUAL_STEP = 0.02;

export const durationBucket = (ms: number): number => Math.ceil(Math.log(Math.max(ms, SMALLEST_MS)) / LN_GROWTH);
/** A value that is off by at most ACCURACY from all that are counted there. */
export const durationAt = (bucket: number): number => (2 * GROWTH ** bucket) / (GROWTH + 1);

export const residualBucket = (residual: number): number => Math.round(residual / RESIDUAL_STEP);
export const residualAt = (bucket: number): number => bucket * RESIDUAL_STEP;

/**
 * From PostgreSQL's text of an array, `{1,2,3}`. node-postgres' own reader goes by characters: of the 90 days of hours of a busy slice, a million
 * numbers, it takes most of the time.
 */
export const readHistogram = (text: string): number[] =>
  text.length <= 2 ? [] : text.slice(1, -1).split(',').map(Number);

/** One that grows. */
export class Counts {
  readonly #counts = new Map<number, number>();

  add(bucket: number, count = 1): void {
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
  }

  merge(histogram: Histogram): void {
    for (let at = 0; at + 1 < histogram.length; at += 2) this.add(histogram[at] as number, histogram[at + 1]);
  }

  toHistogram(): number[] {
    return [...this.#counts].sort(([a], [b]) => a - b).flat();
  }
}

export const countOf = (histogram: Histogram): number => {
  let count = 0;
  for (let at = 1; at < histogram.length; at += 2) count += histogram[at] as number;
  return count;
};

/**
 * The bucket of the value below which the part `q` of all lies (nearest rank), or undefined of an empty one.
 *
 * @param q 0 to 1
 */
export const bucketAt = (histogram: Histogram, q: number): number | undefined => {
  const rank = Math.max(1, Math.ceil(q * countOf(histogram)));
  let seen = 0;
  for (let at = 0; at + 1 < histogram.length; at += 2) {
    seen += histogram[at + 1] as number;
    if (seen >= rank) return histogram[at];
  }
  return undefined;
};

/** The mean of what is left when the part `trim` is cut off at each end; undefined of an empty one. */
export const trimmedMean = (
  histogram: Histogram,
  trim: number,
  valueAt: (bucket: number) => number,
): number | undefined => {
  const count = countOf(histogram);
  const low = count * trim;
  const high = count - low;
  let seen = 0;
  let sum = 0;
  for (let at = 0; at + 1 < histogram.length; at += 2) {
    const next = seen + (histogram[at + 1] as number);
    const inside = Math.min(next, high) - Math.max(seen, low);
    if (inside > 0) sum += inside * valueAt(histogram[at] as number);
    seen = next;
  }
  return count === 0 ? undefined : sum / (high - low);
};
