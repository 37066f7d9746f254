import { medianOf } from './robust.ts';

/** Past windows of six hours that are kept: 14 days. */
const WINDOWS = 56;
/** What is taken for the wobble of a slice before there are past windows, and how many of them it counts for. */
const USUAL_WOBBLE = 0.03;
const USUAL_WEIGHT = 8;
/** What its peers wobble counts for so many windows of a slice, as two weeks of its own say little; while little is known of them, for a part of theirs. */
const PEERS_WEIGHT = 56;
const PEERS_PART = 1 / 8;
/** Fewer windows say nothing. */
const LEAST_WINDOWS = 3;
/** Averages count up to this many standard errors, and the mean square of normal values so cut off. */
const CLIP = 2.5;
const CLIPPED_SQUARE = 0.978;
const STEPS = 8;
/** Averages are never surer than this. */
const LEAST_WOBBLE = 0.01;

/**
 * How much the averages of a slice wobble beyond what as many independent calculations would: a busy hour makes all of them slow together.
 * Past windows' averages, each by its own standard error, vary by more than one; the rest is wobble. Windows while an alert is open are not
 * kept.
 */
export class Noise {
  readonly means: number[] = [];
  readonly errors: number[] = [];
  wobble = USUAL_WOBBLE;
  /** The square of what it wobbles, as its own windows have it: below zero where they vary by less than they should, by chance. */
  excess = 0;
  /** How well that is known: one by its variance. */
  precision = 0;

  push(mean: number, error: number): void {
    this.means.push(mean);
    this.errors.push(error);
    if (this.means.length > WINDOWS) {
      this.means.shift();
      this.errors.shift();
    }
  }

  /** Looks for the excess with which the averages vary as they should. */
  measure(): void {
    const n = this.means.length;
    const centre = medianOf(Float64Array.from(this.means));
    this.excess = 0;
    for (let step = 0; step < STEPS; step++) {
      let squares = 0;
      let weight = 0;
      for (let i = 0; i < n; i++) {
        const variance = this.errors[i]! ** 2 + this.excess;
        squares += Math.min((this.means[i]! - centre) ** 2 / variance, CLIP ** 2);
        weight += 1 / variance;
      }
      const perWindow = weight / n;
      const change = (squares / (n - 1) / CLIPPED_SQUARE - 1) / perWindow;
      this.precision = (n * perWindow ** 2) / 2;
      this.excess += change;
      if (this.excess <= 0) break;
    }
  }
}

/** Slices that are alike know together what each of them can tell only roughly. */
export const measureTogether = (noises: readonly Noise[]): void => {
  const known = noises.filter(({ means }) => means.length >= LEAST_WINDOWS);
  for (const noise of known) noise.measure();
  const sum = (of: (noise: Noise) => number): number => known.reduce((total, noise) => total + of(noise), 0);
  const common = sum((noise) => noise.precision * noise.excess) / sum((noise) => noise.precision);
  const peers = known.length > 1 ? Math.min(PEERS_WEIGHT, PEERS_PART * sum(({ means }) => means.length)) : 0;
  for (const noise of known) {
    const n = noise.means.length;
    const squares = n * noise.excess + peers * common + USUAL_WEIGHT * USUAL_WOBBLE ** 2;
    noise.wobble = Math.sqrt(Math.max(LEAST_WOBBLE ** 2, squares / (n + peers + USUAL_WEIGHT)));
  }
};
