import { addTo, CELLS, COUNT, emptyHistogram, EXPECTED, FAILURES, GAP, type Histogram, OUTLIERS } from './histogram.ts';
import { BINS_PER_HOUR, hourOfBin } from './time.ts';
import { Noise } from './noise.ts';
import type { Scope } from '../types.ts';

/** Hours that are kept: the widest window, and the one that runs. */
const HOURS = 76;

/**
 * What was calculated lately of everything, of a workspace or with a condition kind: histograms of the bins of the last hour and of the last
 * three days' hours. A window is a sum of them.
 */
export class Slice {
  readonly scope: Scope;
  /** The bin that runs, or the last one that had anything. */
  bin = 0;
  readonly fine: Histogram[] = Array.from({ length: BINS_PER_HOUR }, emptyHistogram);
  readonly hours: (Histogram | undefined)[] = Array.from({ length: HOURS }, () => undefined);
  readonly hourNumbers = new Int32Array(HOURS);
  readonly noise = new Noise();
  /** Windows do not reach back beyond: an alert that is over is not told of again. */
  since = 0;
  /** Calculations that the baselines of its segments are made of. */
  learned = 0;

  constructor(scope: Scope) {
    this.scope = scope;
  }

  /** Makes `bin` the one that runs; those that were skipped are empty. */
  turnTo(bin: number): void {
    if (bin <= this.bin) return;
    const skipped = Math.min(bin - this.bin, BINS_PER_HOUR);
    for (let i = bin - skipped + 1; i <= bin; i++) this.fine[i % BINS_PER_HOUR]!.fill(0);
    this.bin = bin;
  }

  /** One calculation, in the bin that runs. */
  add(bucket: number, weight: number, expectedMs: number, gap: number, outlier: number): void {
    this.addTo(this.fine[this.bin % BINS_PER_HOUR]!, bucket, weight, expectedMs, gap, outlier);
    this.addTo(this.hour(hourOfBin(this.bin)), bucket, weight, expectedMs, gap, outlier);
  }

  private addTo(
    cells: Histogram,
    bucket: number,
    weight: number,
    expectedMs: number,
    gap: number,
    outlier: number,
  ): void {
    cells[bucket]! += weight;
    cells[COUNT]! += 1;
    cells[EXPECTED]! += expectedMs;
    cells[GAP]! += gap * weight;
    cells[OUTLIERS]! += outlier;
  }

  addFailure(): void {
    this.fine[this.bin % BINS_PER_HOUR]![FAILURES]! += 1;
    this.hour(hourOfBin(this.bin))[FAILURES]! += 1;
  }

  private hour(number: number): Histogram {
    const slot = number % HOURS;
    if (this.hourNumbers[slot] === number && this.hours[slot] !== undefined) return this.hours[slot];
    const fresh = emptyHistogram();
    this.hours[slot] = fresh;
    this.hourNumbers[slot] = number;
    return fresh;
  }

  /** The calculations of one hour, by its number. */
  ofHour(number: number): Histogram | undefined {
    return this.hourNumbers[number % HOURS] === number ? this.hours[number % HOURS] : undefined;
  }

  /** Of the hour that ends before `endBin`. */
  lastHour(endBin: number): Histogram {
    const sum = new Float32Array(CELLS);
    const from = Math.max(endBin - BINS_PER_HOUR, this.bin - BINS_PER_HOUR + 1, this.since);
    for (let bin = from; bin < endBin && bin <= this.bin; bin++) addTo(sum, this.fine[bin % BINS_PER_HOUR]!);
    return sum;
  }

  /** Of the `hours` that end before `endBin`, to the nearest whole hour at their beginning. */
  window(endBin: number, hours: number): Histogram {
    if (hours <= 1) return this.lastHour(endBin);
    const sum = new Float32Array(CELLS);
    const last = hourOfBin(endBin - 1);
    const first = Math.max(firstHour(endBin, hours), Math.ceil(this.since / BINS_PER_HOUR));
    for (let hour = first; hour <= last; hour++) {
      const cells = this.ofHour(hour);
      if (cells !== undefined) addTo(sum, cells);
    }
    return sum;
  }
}

/** The first whole hour of a window. */
export const firstHour = (endBin: number, hours: number): number => Math.round(endBin / BINS_PER_HOUR - hours);
