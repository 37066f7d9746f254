import { type Random, seeded, seedOf } from '../../../src/demo/random.ts';

export type { Random };

/** Streams of one scenario that do not disturb each other: another fault leaves the noise as it was. */
export const streams = (seed: number) => {
  const stream = (n: number): Random => seeded(seedOf(n, seed));
  return { world: stream(1), times: stream(2), noise: stream(3), load: stream(4), faults: stream(5) };
};

/** Standard normal: Box and Muller 1958, one of each pair is thrown away for simplicity. */
export const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

export const between = (random: Random, low: number, high: number): number => low + (high - low) * random();

/** Evenly on a logarithmic scale. */
export const logBetween = (random: Random, low: number, high: number): number =>
  Math.exp(between(random, Math.log(low), Math.log(high)));

/** Poisson: Knuth by products for small means, the normal approximation (rounded, at least 0) for large ones. */
export const poisson = (random: Random, mean: number): number => {
  if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
};

/** Fisher and Yates. */
export const shuffled = <T>(random: Random, values: readonly T[]): T[] => {
  const result = [...values];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const at = Math.floor(random() * (last + 1));
    [result[last], result[at]] = [result[at]!, result[last]!];
  }
  return result;
};
