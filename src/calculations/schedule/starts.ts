/** When a calculation with a deadline starts, and how likely it is late all the same. Pure; times in epoch milliseconds. */

/** Between being due and running: the queue is looked through every second (POLL_MS), and a thread may just have begun another. */
export const START_FLOOR_MS = 2_000;

/** A calculation that waits, and has a deadline. */
export interface Waiting {
  readonly deadlineMs: number;
  readonly highMs: number;
}

export interface Start {
  /** The latest moment that is safe. It may have passed. */
  readonly startMs: number;
  /** What of the time before the deadline is for those that run first. */
  readonly aheadMs: number;
}

/**
 * The latest safe start: so long before the deadline as it takes, if it takes long (`highMs`), with what waits before it and the
 * floor. The earlier the deadline the sooner one runs, so of `waiting` those count that are due before this one and after the
 * start that the others leave; those due before that have run by then.
 */
export const latestStart = (
  deadlineMs: number,
  highMs: number,
  waiting: readonly Waiting[],
  threads: number,
): Start => {
  let startMs = deadlineMs - START_FLOOR_MS - highMs;
  let aheadMs = 0;
  const before = waiting.filter((each) => each.deadlineMs <= deadlineMs).sort((a, b) => b.deadlineMs - a.deadlineMs);
  for (const each of before) {
    if (each.deadlineMs <= startMs) break;
    const shareMs = each.highMs / threads;
    aheadMs += shareMs;
    startMs -= shareMs;
  }
  return { startMs, aheadMs };
};

/** The standard normal quantile of 0.95: `highMs` is so many standard deviations above `expectedMs`, in logarithms. */
const Z_HIGH = 1.645;
/** However alike the times of the past are, the next one may be another. */
const LEAST_SIGMA = 0.1;

/** Of the standard normal distribution; within 7.5e-8. Abramowitz and Stegun, 26.2.17. */
const cumulative = (z: number): number => {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return z >= 0 ? 1 - tail : tail;
};

/**
 * The probability, 0 to 1, that a calculation takes longer than the `leftMs` that it has: its time is taken as log-normal with
 * the median `expectedMs` and a 0.95 quantile of `highMs`.
 */
export const lateRisk = (leftMs: number, expectedMs: number, highMs: number): number => {
  if (leftMs <= 0) return 1;
  const sigma = Math.max(Math.log(Math.max(highMs, expectedMs) / expectedMs) / Z_HIGH, LEAST_SIGMA);
  return Math.round((1 - cumulative(Math.log(leftMs / expectedMs) / sigma)) * 1000) / 1000;
};
