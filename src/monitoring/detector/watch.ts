import type { Severity } from '../types.ts';
import { attribute, type Cause } from './attribution.ts';
import { type Bounds, judge, type Verdict } from './rules.ts';
import type { Target } from './scopes.ts';
import type { Slice } from './slice.ts';
import { BINS_PER_HOUR, HOUR_MS } from './time.ts';
import { looker, spreadOf, type World } from './world.ts';

/** A slice of which a rule is true. */
export interface Firing {
  readonly target: Target;
  readonly verdict: Verdict;
}

/** A rough average below this needs no closer look. */
const WORTH = Math.log(1.06);

const RANK: Record<Severity, number> = { outliers: 0, drift: 1, warning: 2, critical: 3 };

export const isHigher = (one: Severity, other: Severity): boolean => RANK[one] > RANK[other];

export const verdictOn = (world: World, target: Target): Verdict | undefined =>
  judge(looker(world, target), spreadOf(world, target), boundsOf(target, world.bounds));

const isKind = ({ kind, workspace }: Target): boolean => kind !== undefined && workspace === undefined;

const boundsOf = (target: Target, { kind, segment, other }: World['bounds']): Bounds =>
  target.segment !== undefined ? segment : isKind(target) ? kind : other;

/** All slices that had calculations in the bin that ended, and the segments that are worth a look, of which a rule is true. */
export const firings = (world: World, hotSegments: Iterable<number>): Firing[] => {
  const found: Firing[] = [];
  const look = (target: Target): void => {
    const verdict = verdictOn(world, target);
    if (verdict !== undefined) found.push({ target, verdict });
  };
  const bin = world.endBin - 1;
  if (isWorth(world, world.all)) look({});
  world.kinds.forEach((slice, kind) => {
    if (slice.bin === bin && isWorth(world, slice)) look({ kind });
  });
  world.workspaces.forEach((slice, workspace) => {
    if (slice.bin === bin && isWorth(world, slice)) look({ workspace });
  });
  for (const segment of hotSegments) look({ segment });
  return found;
};

const isWorth = ({ endBin }: World, slice: Slice): boolean =>
  slice.quick(endBin, 6) > WORTH || slice.quick(endBin, 1) > WORTH;

/**
 * Alerts that are open are looked at over the time since they began, up to this. Of a busy segment the last few hours' calculations are
 * known, and while something gets slower and slower they must not be compared with those that others had a day ago.
 */
const MOST_HOURS = 6;

/** The causes of what fires, seen over the shortest window of what fired highest. */
export const causesOf = (world: World, found: readonly Firing[], open: readonly Known[]): Cause[] => {
  const { config, endBin } = world;
  const { verdict } = found.reduce((most, each) =>
    isHigher(each.verdict.severity, most.verdict.severity) ? each : most,
  );
  const hours = Math.min(...verdict.fired.map(({ windowMs }) => windowMs)) / HOUR_MS;
  const since = open.map(({ onset }) => Math.min(MOST_HOURS, endBin / BINS_PER_HOUR - onset / HOUR_MS));
  const fromBin = endBin - Math.round(Math.max(1, hours, ...since) * BINS_PER_HOUR);
  const favoured = open.map(({ target }) => target);
  const sigmas = {
    first: (target: Target) => ATTRIBUTION_PART * (isKind(target) ? config.kindSigmas : config.sigmas),
    further: config.sigmas,
    kept: ATTRIBUTION_PART * config.sigmas,
  };
  return attribute(world.segments, fromBin, sigmas, favoured, config.decided);
};

/** A first cause is looked for somewhat below the sigmas that a slice needs to fire: what does not fire opens nothing. */
const ATTRIBUTION_PART = 0.8;

interface Known {
  readonly target: Target;
  readonly onset: number;
}
