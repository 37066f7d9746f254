import type { Model } from './baseline.ts';
import type { DetectorConfig } from './config.ts';
import { bucketOf, COUNT, emptyHistogram, EXPECTED, GAP, type Histogram } from './histogram.ts';
import { enough, Look, type Looker, lookerOf, stretchOf } from './rules.ts';
import { isIn, type Target } from './scopes.ts';
import { RING, type Segments } from './segments.ts';
import type { Slice } from './slice.ts';
import { BINS_PER_HOUR } from './time.ts';

/** All that is known at the end of a bin. */
export interface World {
  readonly config: DetectorConfig;
  readonly model: Model;
  readonly segments: Segments;
  readonly all: Slice;
  readonly workspaces: readonly Slice[];
  readonly kinds: readonly Slice[];
  readonly names: { readonly kinds: readonly string[]; readonly workspaces: readonly string[] };
  /** The bin that begins now. */
  readonly endBin: number;
  /** What was looked at already: windows of everything by hours, and lookers by target. */
  readonly wholes: Map<number, Histogram>;
  readonly lookers: Map<string, Looker>;
}

/** Everything's calculations of the last hours. */
export const wholeOf = ({ all, endBin, wholes }: World, hours: number): Histogram => {
  const known = wholes.get(hours) ?? all.window(endBin, hours);
  wholes.set(hours, known);
  return known;
};

/** The slice that is kept of a target; undefined for one segment, and for a kind within one workspace. */
export const sliceOf = (world: World, { kind, workspace, segment }: Target): Slice | undefined => {
  if (segment !== undefined || (kind !== undefined && workspace !== undefined)) return undefined;
  if (kind !== undefined) return world.kinds[kind];
  return workspace === undefined ? world.all : world.workspaces[workspace];
};

/** Looks at windows of a target; what was looked at in this bin is not counted again. */
export const looker = (world: World, target: Target): Looker => {
  const key = `${target.kind} ${target.workspace} ${target.segment}`;
  const known = world.lookers.get(key) ?? newLooker(world, target);
  world.lookers.set(key, known);
  return known;
};

const newLooker = (world: World, target: Target): Looker => {
  const slice = sliceOf(world, target);
  const { all, model, endBin } = world;
  if (slice !== undefined) {
    const whole = slice === all ? undefined : (hours: number) => wholeOf(world, hours);
    return lookerOf(slice, whole, endBin, {
      spread: model.spread,
      learned: slice.learned,
      wobble: slice.noise.wobble,
      commonWobble: slice === all ? 0 : all.noise.wobble,
    });
  }
  const members = membersOf(world.segments, target);
  const looks = new Map<number, Look>();
  return (hours) => {
    const seen = looks.get(hours) ?? lookAtSegments(world, members, hours);
    looks.set(hours, seen);
    return seen;
  };
};

/** The short window, or the first longer one that holds enough; what there is where none does. */
export const recentOf = (look: Looker, { config }: World): Look =>
  enough(look, config.windowHours, config.minCalculations, config) ?? look(config.maxWindowHours);

export const membersOf = (segments: Segments, target: Target): number[] => {
  const members: number[] = [];
  if (target.segment !== undefined) return [target.segment];
  for (let i = 0; i < segments.length; i++) if (isIn(target, segments, i)) members.push(i);
  return members;
};

/** Spread of a target's calculations. */
export const spreadOf = (world: World, { segment }: Target): number =>
  segment === undefined ? world.model.spread : world.segments.spread[segment]!;

const scratch = new Float64Array(RING);

/** A window of segments that no slice is kept of, from their last calculations. */
const lookAtSegments = (world: World, members: readonly number[], hours: number): Look => {
  const { segments, endBin, all, model } = world;
  const fromBin = endBin - hours * BINS_PER_HOUR;
  const cells = emptyHistogram();
  let learned = 0;
  let spread = 0;
  for (const i of members) {
    learned += segments.learned[i]!;
    spread += segments.spread[i]! / members.length;
    const n = segments.copyRing(i, fromBin, scratch);
    for (let at = 0; at < n; at++) cells[bucketOf(scratch[at]! - segments.level[i]!)]! += 1;
    cells[COUNT]! += n;
    cells[EXPECTED]! += n * Math.exp(segments.level[i]!);
    cells[GAP]! += n * segments.gap[i]!;
  }
  const wobble = all.noise.wobble;
  return new Look(
    stretchOf(cells, () => wholeOf(world, hours)),
    hours,
    {
      spread: Math.max(spread, model.spread),
      learned,
      wobble,
      commonWobble: wobble,
    },
  );
};
