import {
  addTo,
  CELLS,
  COUNT,
  emptyHistogram,
  EXPECTED,
  FAILURES,
  GAP,
  type Histogram,
  OUTLIERS,
  QUICK,
  WEIGHT,
} from './histogram.ts';
import { BINS_PER_HOUR, hourOfBin } from './time.ts';
import { Noise } from './noise.ts';
import type { Scope } from '../types.ts';

/** Before anything is known; and how many calculations a share is remembered for. */
const USUAL_OUTLIERS = 0.02;
const OUTLIER_MEMORY = 3_000;

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
  /** The usual share of calculations far beyond normal. */
  outlierShare = USUAL_OUTLIERS;
  /** Calculations that the baselines of its segments are made of. */
  learned = 0;
  /** Where the bin and the hour that run are counted; the hour's only from its first calculation on. */
  private runningBin = this.fine[0]!;
  private runningHour: Histogram | undefined;
  /** By the length of the window that needed them. */
  private readonly windows = new Map<number, Window>();

  constructor(scope: Scope) {
    this.scope = scope;
  }

  /** Makes `bin` the one that runs; those that were skipped are empty. */
  turnTo(bin: number): void {
    if (bin <= this.bin) return;
    const skipped = Math.min(bin - this.bin, BINS_PER_HOUR);
    for (let i = bin - skipped + 1; i <= bin; i++) this.fine[i % BINS_PER_HOUR]!.fill(0);
    this.countIn(bin);
  }

  private countIn(bin: number): void {
    this.bin = bin;
    this.runningBin = this.fine[bin % BINS_PER_HOUR]!;
    this.runningHour = undefined;
  }

  /** One calculation, in the bin that runs. */
  add(calculation: Counted): void {
    this.runningHour ??= this.hour(hourOfBin(this.bin));
    count(this.runningBin, calculation);
    count(this.runningHour, calculation);
  }

  /** A rough average of the `hours` that end before `endBin`, to see whether a closer look is worth it. */
  quick(endBin: number, hours: number): number {
    let [weight, sum] = [0, 0];
    const take = (cells: Histogram): void => {
      weight += cells[WEIGHT]!;
      sum += cells[QUICK]!;
    };
    this.each(endBin, hours, take);
    return weight === 0 ? 0 : sum / weight;
  }

  /** One cell's sum over the `hours` that end before `endBin`. */
  total(cell: number, endBin: number, hours: number): number {
    let sum = 0;
    this.each(endBin, hours, (cells) => {
      sum += cells[cell]!;
    });
    return sum;
  }

  /** All that a window is the sum of. */
  private each(endBin: number, hours: number, take: (cells: Histogram) => void): void {
    if (hours <= 1) {
      for (let bin = this.firstBin(endBin); bin < endBin && bin <= this.bin; bin++)
        take(this.fine[bin % BINS_PER_HOUR]!);
      return;
    }
    const { first, last } = this.hoursOf(endBin, hours);
    for (let hour = first; hour <= last; hour++) {
      const cells = this.ofHour(hour);
      if (cells !== undefined) take(cells);
    }
  }

  addFailure(): void {
    this.runningHour ??= this.hour(hourOfBin(this.bin));
    this.runningBin[FAILURES]! += 1;
    this.runningHour[FAILURES]! += 1;
  }

  /** Learns the usual share of outliers from a quiet window. */
  learnOutliers(cells: Histogram): void {
    const count = cells[COUNT]!;
    if (count > 0)
      this.outlierShare += (cells[OUTLIERS]! / count - this.outlierShare) * (count / (count + OUTLIER_MEMORY));
  }

  /** Plain data. */
  save(): SavedSlice {
    const { scope, bin, since, learned, outlierShare, noise } = this;
    const hours = this.hours.flatMap((cells, slot) =>
      cells === undefined ? [] : [{ number: this.hourNumbers[slot]!, cells: packed(cells) }],
    );
    const { means, errors } = noise;
    const fine = this.fine.map(packed);
    return { scope, bin, since, learned, outlierShare, fine, hours, means: [...means], errors: [...errors] };
  }

  static restore(saved: SavedSlice): Slice {
    const slice = new Slice(saved.scope);
    slice.countIn(saved.bin);
    slice.since = saved.since;
    slice.learned = saved.learned;
    slice.outlierShare = saved.outlierShare;
    saved.fine.forEach((cells, i) => unpack(cells, slice.fine[i]!));
    for (const { number, cells } of saved.hours) unpack(cells, slice.hour(number));
    slice.noise.means.push(...saved.means);
    slice.noise.errors.push(...saved.errors);
    return slice;
  }

  private hour(number: number): Histogram {
    const slot = number % HOURS;
    if (this.hourNumbers[slot] === number && this.hours[slot] !== undefined) return this.hours[slot];
    const cells = this.hours[slot]?.fill(0) ?? emptyHistogram();
    this.hours[slot] = cells;
    this.hourNumbers[slot] = number;
    return cells;
  }

  /** The calculations of one hour, by its number. */
  ofHour(number: number): Histogram | undefined {
    return this.hourNumbers[number % HOURS] === number ? this.hours[number % HOURS] : undefined;
  }

  /** Of the `hours` that end before `endBin`, to the nearest whole hour at their beginning; kept until the next call for as many hours. */
  window(endBin: number, hours: number): Histogram {
    const window = this.windowOf(endBin, hours);
    const { sum } = window;
    if (hours <= 1) {
      sum.fill(0);
      for (let bin = this.firstBin(endBin); bin < endBin && bin <= this.bin; bin++)
        addTo(sum, this.fine[bin % BINS_PER_HOUR]!);
      return sum;
    }
    if (!window.isWhole) this.countWhole(window);
    sum.set(window.whole);
    const running = window.last < window.first ? undefined : this.ofHour(window.last);
    if (running !== undefined) addTo(sum, running);
    return sum;
  }

  /**
   * A window in which later hours count for more, rising from nothing: what shows a ramp best, as a matched filter does. Scaled by
   * `leaningScale` its sum is the effective number of its calculations; a slice that it is compared with is scaled by the same.
   */
  leaning(endBin: number, hours: number, scale: number): Histogram {
    const sum = emptyHistogram();
    this.lean(endBin, hours, (cells, weight) => {
      for (let i = 0; i < CELLS; i++) sum[i]! += scale * weight * cells[i]!;
    });
    return sum;
  }

  /** Weights w so scaled that Σw is (Σw)²/Σw². */
  leaningScale(endBin: number, hours: number): number {
    let [sum, squares] = [0, 0];
    this.lean(endBin, hours, (cells, weight) => {
      sum += weight * cells[WEIGHT]!;
      squares += weight * weight * cells[WEIGHT]!;
    });
    return squares === 0 ? 0 : sum / squares;
  }

  private lean(endBin: number, hours: number, each: (cells: Histogram, weight: number) => void): void {
    const { first, last } = this.hoursOf(endBin, hours);
    for (let hour = first; hour <= last; hour++) {
      const cells = this.ofHour(hour);
      if (cells !== undefined) each(cells, (hour - first + 0.5) / (last - first + 1));
    }
  }

  /** Effective number of the calculations of a window, without counting all of it. */
  weight(endBin: number, hours: number): number {
    if (hours <= 1) return this.total(WEIGHT, endBin, hours);
    const { first, last, weight } = this.windowOf(endBin, hours);
    const running = last < first ? undefined : this.ofHour(last);
    return weight + (running?.[WEIGHT] ?? 0);
  }

  /** The first bin of the hour that ends before `endBin`. */
  private firstBin(endBin: number): number {
    return Math.max(endBin - BINS_PER_HOUR, this.bin - BINS_PER_HOUR + 1, this.since);
  }

  /** The first and the last hour of a window, which runs. */
  private hoursOf(endBin: number, hours: number): { first: number; last: number } {
    const first = Math.max(firstHour(endBin, hours), Math.ceil(this.since / BINS_PER_HOUR));
    return { first, last: hourOfBin(endBin - 1) };
  }

  private windowOf(endBin: number, hours: number): Window {
    const { first, last } = this.hoursOf(endBin, hours);
    let window = this.windows.get(hours);
    if (window?.first === first && window.last === last) return window;
    if (window === undefined) {
      window = { first, last, weight: 0, isWhole: false, whole: emptyHistogram(), sum: emptyHistogram() };
      this.windows.set(hours, window);
    }
    window.first = first;
    window.last = last;
    window.isWhole = false;
    window.weight = 0;
    for (let hour = first; hour < last; hour++)
      window.weight = Math.fround(window.weight + (this.ofHour(hour)?.[WEIGHT] ?? 0));
    return window;
  }

  private countWhole(window: Window): void {
    window.whole.fill(0);
    for (let hour = window.first; hour < window.last; hour++) {
      const cells = this.ofHour(hour);
      if (cells !== undefined) addTo(window.whole, cells);
    }
    window.isWhole = true;
  }
}

/**
 * What is known of the windows of a length: nothing is added any more to the hours from `first` until before `last`, so they are counted once
 * an hour, and not before they are asked for.
 */
interface Window {
  first: number;
  last: number;
  /** Of the whole hours; rounded as their sum is. */
  weight: number;
  isWhole: boolean;
  readonly whole: Histogram;
  /** Room for the sum with the hour that runs. */
  readonly sum: Histogram;
}

export interface SavedSlice {
  readonly scope: Scope;
  readonly bin: number;
  readonly since: number;
  readonly learned: number;
  readonly outlierShare: number;
  readonly fine: readonly Float32Array[];
  readonly hours: readonly { readonly number: number; readonly cells: Float32Array }[];
  readonly means: readonly number[];
  readonly errors: readonly number[];
}

/** Only the cells that hold something, each after its number. */
const packed = (cells: Histogram): Float32Array =>
  Float32Array.from([...cells.entries()].filter(([, value]) => value !== 0).flat());

const unpack = (pairs: Float32Array, into: Histogram): void => {
  for (let at = 0; at < pairs.length; at += 2) into[pairs[at]!] = pairs[at + 1]!;
};

/** What is counted of one calculation; one object is used for all of them. */
export interface Counted {
  bucket: number;
  weight: number;
  expectedMs: number;
  gap: number;
  outlier: number;
  /** Its residual, cut off. */
  clipped: number;
}

const count = (cells: Histogram, { bucket, weight, expectedMs, gap, outlier, clipped }: Counted): void => {
  cells[bucket]! += weight;
  cells[COUNT]! += 1;
  cells[EXPECTED]! += expectedMs;
  cells[GAP]! += gap * weight;
  cells[OUTLIERS]! += outlier;
  cells[WEIGHT]! += weight;
  cells[QUICK]! += clipped * weight;
};

/** The first whole hour of a window. */
export const firstHour = (endBin: number, hours: number): number => Math.round(endBin / BINS_PER_HOUR - hours);
