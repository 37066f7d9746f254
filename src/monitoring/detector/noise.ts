import { medianOf } from './robust.ts';

/** Past windows of six hours that are kept: 14 days. */
const WINDOWS = 56;
/** What is taken for the wobble of a slice before there are past windows, and how many of them it counts for. */
const USUAL_WOBBLE = 0.03;
const USUAL_WEIGHT = 8;
/** Of a normal distribution: standard deviation by median absolute deviation. */
const DEVIATION = 1.4826;

/**
 * How much the averages of a slice wobble beyond what as many independent calculations would: a busy hour makes all of them slow together.
 * It is the spread (MAD) of past windows' averages less what sampling explains. Windows while an alert is open are not kept.
 */
export class Noise {
  readonly means: number[] = [];
  readonly errors: number[] = [];
  wobble = USUAL_WOBBLE;

  push(mean: number, error: number): void {
    this.means.push(mean);
    this.errors.push(error);
    if (this.means.length > WINDOWS) {
      this.means.shift();
      this.errors.shift();
    }
    this.measure();
  }

  measure(): void {
    const n = this.means.length;
    const centre = medianOf(Float64Array.from(this.means));
    const spread = DEVIATION * medianOf(Float64Array.from(this.means, (mean) => Math.abs(mean - centre)));
    const sampling = medianOf(Float64Array.from(this.errors));
    const beyond = Math.max(0, spread * spread - sampling * sampling);
    this.wobble = Math.sqrt((n * beyond + USUAL_WEIGHT * USUAL_WOBBLE ** 2) / (n + USUAL_WEIGHT));
  }
}
