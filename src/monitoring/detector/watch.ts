import type { Severity } from '../types.ts';
import { attribute, type Cause } from './attribution.ts';
import { judge, type Verdict } from './rules.ts';
import type { Target } from './scopes.ts';
import { BINS_PER_HOUR } from './time.ts';
import { looker, spreadOf, type World } from './world.ts';

/** A slice of which a rule is true. */
export interface Firing {
  readonly target: Target;
  readonly verdict: Verdict;
}

/** Below this an average needs no closer look. */
const WORTH = Math.log(1.1);

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
  if (isWorth(world, {})) look({});
  world.kinds.forEach((slice, kind) => {
    if (slice.bin === bin && isWorth(world, { kind })) look({ kind });
  });
  world.workspaces.forEach((slice, workspace) => {
    if (slice.bin === bin && isWorth(world, { workspace })) look({ workspace });
  });
  for (const segment of hotSegments) look({ segment });
  return found;
};

const isWorth = (world: World, target: Target): boolean => {
  const look = looker(world, target);
  return look(1).own.mean > WORTH || look(6).own.mean > WORTH;
};

/** The causes of what fires, seen over the window of the rule that fired highest. */
export const causesOf = (world: World, found: readonly Firing[]): Cause[] => {
  const hours = found.reduce(
    (most, { verdict }) => (isHigher(verdict.severity, most.severity) ? verdict : most),
    found[0]!.verdict,
  ).hours;
  const sigmas = world.config.sigmas * 0.8;
  return attribute(world.segments, world.endBin - Math.max(1, hours) * BINS_PER_HOUR, sigmas);
};
