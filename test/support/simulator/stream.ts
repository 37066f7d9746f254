import type { Observation } from '../../../src/monitoring/types.ts';
import { type Arrival, DAY, type Edit, type Fault, HOUR, type Mix, type Storm } from './faults.ts';
import { hourlyRate, type LoadOptions, makeLoad } from './load.ts';
import { normal, poisson, type Random, streams } from './random.ts';
import { makeWorld, type SimulatedSegment, type WorldOptions } from './world.ts';

export interface Simulation {
  readonly world: WorldOptions;
  readonly load: LoadOptions;
  readonly days: number;
  readonly perDay: number;
  /** Of ln of the time. */
  readonly sigma: number;
  readonly outlierShare: number;
  readonly outlierFactor: readonly [number, number];
  /** A day, of the populations: 0.001 is 0.1 %. */
  readonly growth: number;
  readonly faults: readonly Fault[];
  readonly storms: readonly Storm[];
  readonly mixes: readonly Mix[];
  readonly arrivals: readonly Arrival[];
  readonly edits: readonly Edit[];
  /** Nothing is calculated from and until then. */
  readonly gaps: readonly (readonly [number, number])[];
}

/** A Monday. */
export const BEGIN = Date.UTC(2026, 0, 5);

const TRIGGERS = ['schedule', 'schedule', 'schedule', 'newsletter', 'newsletter', 'manual', 'api'] as const;

/** Segments and the calculations that they had, in the order of time. The same for the same seed. */
export interface Simulated {
  readonly segments: readonly SimulatedSegment[];
  readonly observations: () => Generator<Observation>;
}

type Ready = SimulatedSegment & {
  readonly workspaceIndex: number;
  readonly eventful: boolean;
  readonly faults: readonly Fault[];
  readonly storms: readonly Storm[];
  readonly mixes: readonly Mix[];
  readonly arrivals: readonly Arrival[];
  readonly edits: readonly Edit[];
};

/** `plan` is told the segments, so that a fault can pick one of them. */
export const simulate = (
  seed: number,
  options: Omit<Simulation, 'faults'>,
  plan: (segments: readonly SimulatedSegment[], random: Random) => Partial<Simulation>,
): Simulated => {
  const random = streams(seed);
  const segments = makeWorld(random.world, options.world);
  const simulation: Simulation = { ...options, faults: [], ...plan(segments, random.faults) };
  return { segments, observations: () => generate(seed, segments, simulation) };
};

function* generate(
  seed: number,
  segments: readonly SimulatedSegment[],
  simulation: Simulation,
): Generator<Observation> {
  const random = streams(seed);
  const names = [...new Set(segments.map(({ workspace }) => workspace))];
  const load = makeLoad(random.load, simulation.load, simulation.days, names.length);
  const of = <T extends { who: (segment: SimulatedSegment) => boolean }>(
    all: readonly T[],
    segment: SimulatedSegment,
  ) => all.filter(({ who }) => who(segment));
  const ready = segments.map((segment): Ready => {
    const [faults, storms, edits] = [
      of(simulation.faults, segment),
      of(simulation.storms, segment),
      of(simulation.edits, segment),
    ];
    return {
      ...segment,
      ...{ faults, storms, edits },
      workspaceIndex: names.indexOf(segment.workspace),
      eventful: faults.length + storms.length + edits.length > 0,
      mixes: of(simulation.mixes, segment),
      arrivals: of(simulation.arrivals, segment),
    };
  });
  const weights = segments.reduce((sum, { weight }) => sum + weight, 0);
  const sums = new Float64Array(ready.length);

  for (let hour = 0; hour < simulation.days * 24; hour += 1) {
    const begin = hour * HOUR;
    let sum = 0;
    for (let index = 0; index < ready.length; index += 1) {
      const segment = ready[index]!;
      let rate = segment.weight;
      for (const { course } of segment.mixes) rate *= course(begin);
      for (const { from } of segment.arrivals) if (begin < from) rate = 0;
      sum += rate;
      sums[index] = sum;
    }
    const count = poisson(random.times, (simulation.perDay / 24) * hourlyRate(begin) * (sum / weights));
    for (const part of orderedUniforms(random.times, count)) {
      const at = begin + Math.floor(part * HOUR);
      const segment = ready[indexOf(sums, random.times() * sum)]!;
      const trigger = TRIGGERS[Math.floor(random.times() * TRIGGERS.length)]!;
      const observation = observe(segment, at, trigger, simulation, random.noise, load);
      if (simulation.gaps.length === 0 || !simulation.gaps.some(([from, until]) => at >= from && at < until))
        yield observation;
    }
  }
}

const observe = (
  segment: Ready,
  at: number,
  trigger: string,
  { growth, sigma, outlierShare, outlierFactor }: Simulation,
  noise: Random,
  load: ReturnType<typeof makeLoad>,
): Observation => {
  const grown = growth === 0 ? 1 : (1 + growth) ** (at / DAY);
  let ln = segment.lnMs + segment.alpha * Math.log(grown);
  ln += load.common(at) + load.workspace(segment.workspaceIndex, at) + sigma * normal(noise);
  let version = 1;
  let kinds = segment.kinds;
  let share = outlierShare;
  if (segment.eventful) {
    for (const { course } of segment.faults) ln += Math.log(course(at));
    for (const edit of segment.edits) {
      if (at < edit.from) continue;
      version += 1;
      ln += Math.log(edit.factor);
      kinds = edit.kinds ?? kinds;
    }
    for (const storm of segment.storms) if (at >= storm.from && at < storm.until) share = storm.share;
  }
  // drawn every time, so that a storm leaves all other noise as it was
  const [lot, place] = [noise(), noise()];
  if (lot < share) ln += Math.log(outlierFactor[0]) + place * Math.log(outlierFactor[1] / outlierFactor[0]);
  return {
    finishedAt: BEGIN + at,
    workspace: segment.workspace,
    segment: segment.name,
    version,
    trigger,
    kinds,
    population: Math.round(segment.population * grown),
    durationMs: Math.exp(ln),
    outcome: 'succeeded',
  };
};

/** `count` numbers between 0 and 1 in rising order, without sorting: sums of exponential gaps. */
const orderedUniforms = (random: Random, count: number): Float64Array => {
  const places = new Float64Array(count);
  let sum = 0;
  for (let n = 0; n < count; n += 1) places[n] = sum -= Math.log(1 - random());
  sum -= Math.log(1 - random());
  for (let n = 0; n < count; n += 1) places[n]! /= sum;
  return places;
};

/** The first place whose running sum is above `value`. */
const indexOf = (sums: Float64Array, value: number): number => {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
};
