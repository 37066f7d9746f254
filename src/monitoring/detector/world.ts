import type { Model } from './baseline.ts';
import type { DetectorConfig } from './config.ts';
import { bucketOf, COUNT, emptyHistogram, EXPECTED, GAP, type Histogram } from './histogram.ts';
import { type BoundsBySort, enough, Look, type Looker, lookerOf } from './rules.ts';
import { isIn, keyOf, type Target } from './scopes.ts';
import { perEdition, RING, type Segments } from './segments.ts';
import type { Slice } from './slice.ts';
import { BINS_PER_HOUR } from './time.ts';

/** All that is known at the end of a bin. */
export interface World {
  readonly config: DetectorConfig;
  readonly bounds: BoundsBySort;
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
  readonly lookers: Map<number, Looker>;
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
  const key = keyOf(target);
  const known = world.lookers.get(key) ?? newLooker(world, target);
  world.lookers.set(key, known);
  return known;
};

const newLooker = (world: World, target: Target): Looker => {
  const slice = sliceOf(world, target);
  const { all, model, endBin } = world;
  if (slice !== undefined) {
    const whole = slice === all ? undefined : (hours: number) => wholeOf(world, hours);
    return lookerOf(slice, all, whole, endBin, {
      spread: model.spread,
      learned: slice.learned,
      wobble: slice.noise.wobble,
      commonWobble: slice === all ? 0 : all.noise.wobble,
    });
  }
  return segmentsLooker(world, membersOf(world.segments, target));
};

/** The short window, or the first longer one that holds enough; what there is where none does. */
export const recentOf = (look: Looker, { config }: World): Look =>
  enough(look, config.windowHours, config.minCalculations, config) ?? look(config.maxWindowHours);

export const membersOf = (segments: Segments, target: Target): readonly number[] => {
  if (target.segment !== undefined) return [target.segment];
  const lists = memberLists(segments);
  const known = lists.get(keyOf(target));
  if (known !== undefined) return known;
  const members: number[] = [];
  for (let i = 0; i < segments.length; i++) if (isIn(target, segments, i)) members.push(i);
  lists.set(keyOf(target), members);
  return members;
};

const memberLists = perEdition(() => new Map<number, readonly number[]>());

/** Spread of a target's calculations. */
export const spreadOf = (world: World, { segment }: Target): number =>
  segment === undefined ? world.model.spread : world.segments.spread[segment]!;

const scratch = new Float64Array(RING);

/** Looks at segments that no slice is kept of, by their last calculations. They wobble as their workspaces do. */
const segmentsLooker = (world: World, members: readonly number[]): Looker => {
  const { segments, endBin, all, model, workspaces } = world;
  let wobble = 0;
  let learned = 0;
  let spread = 0;
  for (const i of members) {
    learned += segments.learned[i]!;
    spread += segments.spread[i]! / members.length;
    wobble = Math.max(wobble, workspaces[segments.workspaces[i]!]!.noise.wobble);
  }
  const known = { spread: Math.max(spread, model.spread), learned, wobble, commonWobble: all.noise.wobble };
  const looks: Look[] = [];
  return (hours) => {
    const before = looks.find((look) => look.hours === hours);
    if (before !== undefined) return before;
    const fromBin = endBin - hours * BINS_PER_HOUR;
    const stretch = {
      n: members.reduce((sum, i) => sum + segments.countRing(i, fromBin), 0),
      cells: () => cellsOf(segments, members, fromBin),
      whole: () => wholeOf(world, hours),
    };
    const look = new Look(stretch, hours, known);
    looks.push(look);
    return look;
  };
};

const cellsOf = (segments: Segments, members: readonly number[], fromBin: number): Histogram => {
  const cells = emptyHistogram();
  for (const i of members) {
    const n = segments.copyRing(i, fromBin, scratch);
    for (let at = 0; at < n; at++) cells[bucketOf(scratch[at]! - segments.level[i]!)]! += 1;
    cells[COUNT]! += n;
    cells[EXPECTED]! += n * Math.exp(segments.level[i]!);
    cells[GAP]! += n * segments.gap[i]!;
  }
  return cells;
};
