import type { DetectorConfig } from './config.ts';
import { fitAlphas } from './growth.ts';
import { clamp, medianOf, trimmedMean } from './robust.ts';
import { DAYS, RING, type Segments } from './segments.ts';
import { BINS_PER_DAY, DAY_MS } from './time.ts';
import { fitTypical, type Typical } from './typical.ts';

/** Before there is data: the spread of a calculation's log time, and of segments with the same kinds. */
export const USUAL_SPREAD = 0.4;
/** The part of normal values within `CLIP` spreads. */
export const CLIP = 1.5;
const WITHIN_CLIP = 0.866;
/** Trimmed from both ends of a reference's days. */
const TRIM = 0.2;
/** How well an hour of the day is known in advance, in logarithms: the rhythm of a few days is believed only in part. */
const RHYTHM_PRIOR = 0.1;
/** Noise of one hour's average that is not sampling. */
const HOUR_NOISE = 0.05;
const HISTORY = 200;

/** What happened to baselines, and why. */
export interface BaselineChange {
  readonly version: number;
  readonly at: number;
  readonly reason: 'first' | 'nightly' | 'accepted';
  readonly segments: number;
  /** × on average of those that changed. */
  readonly change: number;
  readonly by?: string;
  readonly note?: string;
}

/** Everything that residuals are measured against, beside each segment's own level. */
export interface Model {
  /** There is a first baseline: calculations are judged. */
  ready: boolean;
  /** −1: nothing was seen yet. */
  firstDay: number;
  version: number;
  /** Log of × for each hour of the day. */
  rhythm: Float64Array;
  /** By day: the average residual of each hour, with the rhythm that was in force; NaN where it is not to be learned from. */
  rhythmDays: { day: number; hours: number[] }[];
  typical: Typical;
  /** Usual spread of a calculation's residual. */
  spread: number;
  history: BaselineChange[];
}

export const newModel = (): Model => ({
  ready: false,
  firstDay: -1,
  version: 0,
  rhythm: new Float64Array(24),
  rhythmDays: [],
  typical: { base: 3, kinds: [], alpha: 0.7, kindAlphas: [], spread: 1 },
  spread: USUAL_SPREAD,
  history: [],
});

/** The averages of the day that is over, of those that may be learned from. */
export const closeDay = (segments: Segments, day: number): void => {
  const capacity = segments.level.length;
  const closed = {
    day,
    count: new Uint16Array(capacity),
    time: new Float32Array(capacity),
    population: new Float32Array(capacity),
  };
  for (let i = 0; i < segments.length; i++) {
    const n = segments.dayCount[i]!;
    if (n > 0 && segments.lockedUntil[i]! < day) {
      const population = segments.dayPopulation[i]! / n;
      const value =
        n <= RING
          ? ringMean(segments, i, day * BINS_PER_DAY)
          : segments.level[i]! + segments.dayResidual[i]! / (n * WITHIN_CLIP);
      closed.count[i] = n;
      closed.population[i] = population;
      closed.time[i] = value + segments.alpha[i]! * (population - segments.reference[i]!);
    }
    segments.dayCount[i] = 0;
    segments.dayResidual[i] = 0;
    segments.dayPopulation[i] = 0;
  }
  segments.days.push(closed);
  if (segments.days.length > DAYS) segments.days.shift();
};

const scratch = new Float64Array(RING);

/** The trimmed mean of a segment's last values, from a bin on. */
export const ringMean = (segments: Segments, index: number, fromBin: number): number => {
  const n = segments.copyRing(index, fromBin, scratch);
  return trimmedMean(scratch, n);
};

/** New baselines after `day`, as far as they may change. Gives whether anything did. */
export const fitBaselines = (model: Model, segments: Segments, day: number, config: DetectorConfig): void => {
  const first = !model.ready;
  if (first && (model.firstDay < 0 || day + 1 - model.firstDay < config.learnDays)) {
    for (let i = 0; i < segments.length; i++) levelFromDays(segments, i, 0, day, undefined);
    return;
  }
  model.spread = usualSpread(segments);
  fitRhythm(model, first ? day : day - config.referenceLagDays);
  fitAlphas(segments, model.typical, model.spread);
  moveReferences(segments);
  model.typical = fitTypical(segments, model.typical);
  const changes = first ? learnAll(model, segments, day) : nightly(model, segments, day, config);
  model.ready = true;
  if (changes.length === 0) return;
  model.version += 1;
  const change = Math.exp(changes.reduce((sum, each) => sum + each, 0) / changes.length);
  const reason = first ? 'first' : 'nightly';
  record(model, { version: model.version, at: (day + 1) * DAY_MS, reason, segments: changes.length, change });
};

export const record = (model: Model, change: BaselineChange): void => {
  model.history.push(change);
  if (model.history.length > HISTORY) model.history.shift();
};

const usualSpread = (segments: Segments): number => {
  const known = [...segments.spread.subarray(0, segments.length)].filter((_, i) => segments.seen[i]! >= 20);
  return known.length < 5 ? USUAL_SPREAD : medianOf(Float64Array.from(known));
};

/** Each hour's usual residual, over the days of the reference. */
const fitRhythm = (model: Model, lastDay: number): void => {
  const days = model.rhythmDays.filter(({ day }) => day <= lastDay);
  if (days.length === 0) return;
  const centres = days.map(({ hours }) =>
    trimmedMean(Float64Array.from(hours.filter((value) => !Number.isNaN(value)))),
  );
  for (let hour = 0; hour < 24; hour++) {
    const values = days.map(({ hours }, i) => hours[hour]! - centres[i]!).filter((value) => !Number.isNaN(value));
    const belief = values.length / (values.length + (HOUR_NOISE / RHYTHM_PRIOR) ** 2 * 4);
    model.rhythm[hour] = belief * trimmedMean(Float64Array.from(values));
  }
};

/** Log populations are measured from where they are now, so that a new `alpha` changes nothing that is expected today. */
const moveReferences = (segments: Segments): void => {
  const last = segments.days.at(-1)!;
  for (let i = 0; i < segments.length; i++) {
    if (last.count[i] === 0) continue;
    const moved = last.population[i]! - segments.reference[i]!;
    const shift = segments.alpha[i]! * moved;
    if (Math.abs(shift) < 0.01) continue;
    segments.reference[i]! += moved;
    segments.level[i]! += shift;
    segments.anchor[i]! += shift;
    for (let at = i * RING; at < (i + 1) * RING; at++) segments.ringValue[at]! += shift;
  }
};

interface Candidate {
  readonly level: number;
  readonly count: number;
}

/** What a segment took on the days from `from` to `to`: the trimmed mean of their averages, at its reference population. */
const candidateOf = (segments: Segments, index: number, from: number, to: number): Candidate | undefined => {
  const days: { value: number; weight: number }[] = [];
  let count = 0;
  for (const day of segments.days) {
    const n = day.count[index]!;
    if (n === 0 || day.day < from || day.day > to) continue;
    const value = day.time[index]! - segments.alpha[index]! * (day.population[index]! - segments.reference[index]!);
    days.push({ value, weight: n });
    count += n;
  }
  if (count === 0) return undefined;
  const sorted = days.sort((a, b) => a.value - b.value);
  let below = 0;
  let sum = 0;
  for (const { value, weight } of sorted) {
    const inside = Math.max(0, Math.min((1 - TRIM) * count, below + weight) - Math.max(TRIM * count, below));
    sum += inside * value;
    below += weight;
  }
  return { level: sum / ((1 - 2 * TRIM) * count), count };
};

/** Few calculations are believed in part: the rest is what its kinds take typically. */
const levelFromDays = (
  segments: Segments,
  index: number,
  from: number,
  to: number,
  model: Model | undefined,
): boolean => {
  const own = candidateOf(segments, index, from, to);
  if (own === undefined) return false;
  const doubt = model === undefined ? 0 : (model.spread / model.typical.spread) ** 2;
  const typical = model === undefined ? 0 : typicalLevel(segments, index, model.typical);
  const before = segments.level[index]!;
  const level = (own.count * own.level + doubt * typical) / (own.count + doubt);
  segments.level[index] = level;
  if (model === undefined) return false;
  segments.learned[index] = own.count;
  segments.anchor[index] = level;
  segments.anchorDay[index] = to;
  return Math.abs(level - before) > 0.005;
};

/** What segments with these kinds take, at this one's reference population. */
export const typicalLevel = (segments: Segments, index: number, typical: Typical): number =>
  segments.kinds[index]!.reduce((sum, kind) => sum + (typical.kinds[kind] ?? 0), typical.base) +
  typical.alpha * segments.reference[index]!;

const learnAll = (model: Model, segments: Segments, day: number): number[] => {
  const changes: number[] = [];
  for (let i = 0; i < segments.length; i++) {
    const before = segments.level[i]!;
    if (levelFromDays(segments, i, 0, day, model)) changes.push(segments.level[i]! - before);
  }
  return changes;
};

/** One night's candidates: new segments learn, the others follow within their limits. */
const nightly = (model: Model, segments: Segments, day: number, config: DetectorConfig): number[] => {
  const to = day + 1 - config.referenceLagDays;
  const from = to - config.referenceDays + 1;
  const wanted = new Map<number, number>();
  const changes: number[] = [];
  for (let i = 0; i < segments.length; i++) {
    if (day > segments.gapUntil[i]!) segments.gap[i] = 0;
    if (segments.lockedUntil[i]! >= day) continue;
    if (segments.learned[i]! < config.ownCalculations) {
      const before = segments.level[i]!;
      if (levelFromDays(segments, i, from, to, model)) changes.push(segments.level[i]! - before);
      continue;
    }
    const candidate = candidateOf(segments, i, from, to);
    // a reference that is no larger than the one before would only bring its noise
    if (candidate === undefined || candidate.count < segments.learned[i]!) continue;
    wanted.set(i, candidate.level - segments.level[i]!);
    segments.learned[i] = candidate.count;
  }
  limitTogether(segments, wanted, Math.log(config.raisePerDay));
  for (const [i, change] of wanted) {
    const moved = move(segments, i, change, day, config);
    if (Math.abs(moved) > 0.005) changes.push(moved);
  }
  return changes;
};

/**
 * The limit of a day holds for what segments with a kind have in common: each on its own may be corrected by more while its first baseline was
 * of few calculations, as others are corrected the other way.
 */
const limitTogether = (segments: Segments, wanted: Map<number, number>, limit: number): void => {
  const sums = new Map<number, { sum: number; n: number }>();
  for (const [i, change] of wanted)
    for (const kind of segments.kinds[i]!) {
      const group = sums.get(kind) ?? { sum: 0, n: 0 };
      group.sum += change;
      group.n += 1;
      sums.set(kind, group);
    }
  for (const [i, change] of wanted) {
    const common = segments.kinds[i]!.map((kind) => sums.get(kind)!.sum / sums.get(kind)!.n);
    const excess = Math.max(0, ...common.map((mean) => mean - limit));
    wanted.set(i, change - excess);
  }
};

const move = (segments: Segments, i: number, wanted: number, day: number, config: DetectorConfig): number => {
  if (day - segments.anchorDay[i]! >= 30) {
    segments.anchor[i] = segments.level[i]!;
    segments.anchorDay[i] = day;
  }
  // what the first baseline may have been wrong by, as it was made of so many calculations
  const doubt = (2 * segments.spread[i]!) / Math.sqrt(config.ownCalculations);
  const ceiling = segments.anchor[i]! + Math.log(config.raisePerMonth) + doubt;
  const change =
    clamp(segments.level[i]! + wanted, Number.NEGATIVE_INFINITY, Math.max(ceiling, segments.level[i]!)) -
    segments.level[i]!;
  segments.level[i]! += change;
  segments.gap[i] = Math.max(0, segments.gap[i]! - change);
  if (change < 0) segments.gapUntil[i] = day + config.memoryDays;
  return change;
};
