/**
 * Residuals (logarithms of × normal) of a stretch of time as counts in buckets, so that those of a longer stretch are sums. Beyond the
 * ends they fall into the last bucket: a trimmed mean does not see how far out they are.
 */
const LOWEST = -1.6;
const WIDTH = 0.1;
const BUCKETS = 64;

/** Beside the buckets, of the same calculations. */
export const COUNT = BUCKETS;
/** Sum of the milliseconds that they would take normally. */
export const EXPECTED = BUCKETS + 1;
export const OUTLIERS = BUCKETS + 2;
/** Sum of how far the present baseline is below the highest that was normal lately. */
export const GAP = BUCKETS + 3;
export const FAILURES = BUCKETS + 4;
/** Sum of weights, and of weighted residuals cut off at `QUICK_CLIP`: a rough average without walking the buckets. */
export const WEIGHT = BUCKETS + 5;
export const QUICK = BUCKETS + 6;
export const QUICK_CLIP = 1;
export const CELLS = BUCKETS + 7;

export type Histogram = Float32Array;

export const emptyHistogram = (): Histogram => new Float32Array(CELLS);

export const bucketOf = (residual: number): number => {
  const bucket = Math.floor((residual - LOWEST) / WIDTH);
  return bucket < 0 ? 0 : bucket >= BUCKETS ? BUCKETS - 1 : bucket;
};

export const addTo = (sum: Histogram, other: Histogram): void => {
  // most bins of a small slice are empty
  if (other[COUNT] === 0 && other[FAILURES] === 0) return;
  for (let i = 0; i < CELLS; i++) sum[i]! += other[i]!;
};

const rest = emptyHistogram();

/** What is in `whole` and not in its part; kept until the next call. */
export const without = (whole: Histogram, part: Histogram): Histogram => {
  for (let i = 0; i < CELLS; i++) rest[i] = Math.max(0, whole[i]! - part[i]!);
  return rest;
};

/** Effective number of calculations. */
export const weightOf = (histogram: Histogram): number => {
  let n = 0;
  for (let i = 0; i < BUCKETS; i++) n += histogram[i]!;
  return n;
};

/** The average of a stretch, and how sure it is if its calculations are independent. */
export interface Estimate {
  /** Effective number: a calculation whose baseline is vague counts for less than one. */
  readonly n: number;
  readonly mean: number;
  readonly median: number;
  /** Standard error of the mean. */
  readonly error: number;
}

const TRIM = 0.2;
const NOTHING: Estimate = { n: 0, mean: 0, median: 0, error: Number.POSITIVE_INFINITY };

/** Of the histogram that is estimated: how many calculations are in the buckets before each. */
const before = new Float64Array(BUCKETS + 1);

/** Fills `before`; gives how many there are. */
const sumUp = (histogram: Histogram): number => {
  for (let i = 0; i < BUCKETS; i++) before[i + 1] = before[i]! + histogram[i]!;
  return before[BUCKETS]!;
};

/** The bucket in which the calculation is that `count` reaches to. */
const bucketAt = (count: number): number => {
  let [first, last] = [0, BUCKETS - 1];
  while (first < last) {
    const middle = (first + last) >> 1;
    if (before[middle + 1]! >= count) last = middle;
    else first = middle + 1;
  }
  return first;
};

/** The value below which `count` of the calculations are, evenly spread within its bucket. */
const valueIn = (histogram: Histogram, bucket: number, count: number): number =>
  LOWEST + WIDTH * (bucket + (count - before[bucket]!) / histogram[bucket]!);

/**
 * The 20 %-trimmed mean with its standard error from the winsorised variance (Tukey and McLaughlin 1963). A few calculations say little of
 * their own spread, so the `usual` one counts like `PRIOR` of them.
 */
export const estimate = (histogram: Histogram, usualSpread: number): Estimate => {
  const n = sumUp(histogram);
  if (n <= 0) return NOTHING;
  const [lowCount, highCount] = [TRIM * n, (1 - TRIM) * n];
  const [lowest, middle, highest] = [bucketAt(lowCount), bucketAt(n / 2), bucketAt(highCount)];
  const low = valueIn(histogram, lowest, lowCount);
  const high = valueIn(histogram, highest, highCount);
  let sum = 0;
  let squares = 0;
  for (let i = lowest; i <= highest; i++) {
    const inside = Math.max(0, Math.min(highCount, before[i + 1]!) - Math.max(lowCount, before[i]!));
    const value = Math.min(high, Math.max(low, LOWEST + WIDTH * (i + 0.5)));
    sum += inside * value;
    squares += inside * value * value;
  }
  const inside = (1 - 2 * TRIM) * n;
  const mean = sum / inside;
  const winsorised = (squares + TRIM * n * (low * low + high * high)) / n;
  const winsorisedMean = (sum + TRIM * n * (low + high)) / n;
  const variance = Math.max(0, winsorised - winsorisedMean * winsorisedMean) / (1 - 2 * TRIM) ** 2;
  const pooled = (n * variance + PRIOR * EFFICIENCY * usualSpread * usualSpread) / (n + PRIOR);
  return { n, mean, median: valueIn(histogram, middle, n / 2), error: Math.sqrt(pooled / n) };
};

const PRIOR = 30;
/** Variance of the 20 %-trimmed mean by that of the mean, of normal values. */
const EFFICIENCY = 1.13;
