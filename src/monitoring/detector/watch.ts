import type { Severity } from '../types.ts';
import { attribute, type Cause } from './attribution.ts';
import { judge, type Verdict } from './rules.ts';
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

export const verdictOn = (world: World, target: Target): Verdict | undefined => {
  const { config } = world;
  const strict =
    target.segment === undefined
      ? config
      : { ...config, sigmas: config.segmentSigmas, driftRatio: config.segmentDriftRatio };
  return judge(looker(world, target), spreadOf(world, target), strict);
};

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

/** Alerts that are open are looked at over the time since they began, up to this. */
const MOST_HOURS = 24;

/** The causes of what fires, seen over the window of the rule that fired highest. */
export const causesOf = (world: World, found: readonly Firing[], open: readonly Known[]): Cause[] => {
  const { config, endBin } = world;
  const { hours } = found.reduce(
    (most, { verdict }) => (isHigher(verdict.severity, most.severity) ? verdict : most),
    found[0]!.verdict,
  );
  const since = open.map(({ onset }) => Math.min(MOST_HOURS, endBin / BINS_PER_HOUR - onset / HOUR_MS));
  const fromBin = endBin - Math.round(Math.max(1, hours, ...since) * BINS_PER_HOUR);
  const favoured = open.map(({ target }) => target);
  return attribute(world.segments, fromBin, config.sigmas * ATTRIBUTION_PART, favoured, config.decided);
};

/** A cause is looked for somewhat below the sigmas that a slice needs to fire: what does not fire opens nothing. */
const ATTRIBUTION_PART = 0.8;

interface Known {
  readonly target: Target;
  readonly onset: number;
}
