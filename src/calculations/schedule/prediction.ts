/** How long the next calculation of a segment takes, without its wait. Pure. */

export interface Prediction {
  readonly expectedMs: number;
  /** One in ten is faster. */
  readonly lowMs: number;
  /** One in twenty is slower. */
  readonly highMs: number;
  /** The segment's own calculations, or what its condition costs by the compiler's reckoning. */
  readonly basis: 'history' | 'cost';
  /** Of its own that it rests on. */
  readonly calculations: number;
}

/** One calculation that succeeded. */
export interface Run {
  readonly ms: number;
  readonly population: number;
}

/** Newest calculations that count, and how many there must be. */
export const HISTORY = 20;
export const MIN_HISTORY = 5;
const LOW = 0.1;
const HIGH = 0.95;
/** Below it a clock tells nothing. */
const SHORTEST_MS = 0.1;
/** Of a reckoning: how far off it may be on a machine that nobody has measured, its buffers cold and changes to fold. */
const COST_LOW = 0.25;
const COST_HIGH = 10;

/** Nearest rank: the least value that the share `q` of all does not exceed. */
const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number;

/**
 * From the segment's own calculations, newest first: median and quantiles of their times, each scaled to the population of the
 * newest, as time grows at most in proportion. Quantiles stand where they stand in the logarithms too. An outlier moves none of
 * them far. Undefined where there are fewer than MIN_HISTORY.
 */
export const predictFromHistory = (runs: readonly Run[]): Prediction | undefined => {
  const [newest] = runs;
  if (newest === undefined || runs.length < MIN_HISTORY) return undefined;
  const sorted = runs
    .map(({ ms, population }) => (Math.max(ms, SHORTEST_MS) * Math.max(newest.population, 1)) / Math.max(population, 1))
    .sort((a, b) => a - b);
  return {
    expectedMs: quantile(sorted, 0.5),
    lowMs: quantile(sorted, LOW),
    highMs: quantile(sorted, HIGH),
    basis: 'history',
    calculations: runs.length,
  };
};

/** From what its condition should cost, until it has a history. */
export const predictFromCost = (ms: number, calculations: number): Prediction => ({
  expectedMs: ms,
  lowMs: ms * COST_LOW,
  highMs: ms * COST_HIGH,
  basis: 'cost',
  calculations,
});
