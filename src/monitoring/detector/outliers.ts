import type { Fired } from '../types.ts';
import { COUNT, OUTLIERS } from './histogram.ts';
import type { Target } from './scopes.ts';
import type { Slice } from './slice.ts';
import { HOUR_MS } from './time.ts';
import { looker, sliceOf, type World } from './world.ts';

/** More calculations than usual take many times their own normal, while most do not. */
export interface Storm {
  readonly target: Target;
  readonly fired: Fired;
}

/** Fewer than this are no storm. */
const LEAST_OUTLIERS = 10;
const STORM_SIGMAS = 5;
/** Where most calculations are slower by this, they are slow and not outliers. */
const SLOW = Math.log(1.25);
/** A storm that everything else has at least this part of is everything's. */
const COMMON = 0.5;

/** At night an hour may hold too few. */
const STORM_HOURS = [1, 2];

const outliersOf = (slice: Slice, endBin: number, hours: number): number => slice.total(OUTLIERS, endBin, hours);

const shareOf = (slice: Slice, endBin: number, hours = 1): { count: number; outliers: number } => ({
  count: slice.total(COUNT, endBin, hours),
  outliers: outliersOf(slice, endBin, hours),
});

/** Of small numbers many are far above what is usual: their square roots are spread as those of large ones (Anscombe 1948). */
const beyondChance = (seen: number, usual: number): number => 2 * (Math.sqrt(seen + 3 / 8) - Math.sqrt(usual + 3 / 8));

const firedBy = (world: World, target: Target, slice: Slice): Fired | undefined => {
  const { config, endBin } = world;
  const threshold = slice.outlierShare + config.outlierShare;
  for (const hours of STORM_HOURS) {
    if (outliersOf(slice, endBin, hours) < LEAST_OUTLIERS) continue;
    const { count, outliers } = shareOf(slice, endBin, hours);
    if (outliers < count * threshold || count < config.minCalculations) continue;
    const usual = count * slice.outlierShare;
    const sigmas = beyondChance(outliers, usual);
    if (sigmas < STORM_SIGMAS || looker(world, target)(hours).own.median > SLOW) continue;
    const value = outliers / count;
    return { severity: 'outliers', windowMs: hours * HOUR_MS, value, threshold, sigmas, calculations: count };
  }
  return undefined;
};

/** The one storm of the hour, if there is one: of the slice where it is clearest, or of everything. */
export const stormIn = (world: World): Storm | undefined => {
  const { all, kinds, workspaces, endBin } = world;
  if (outliersOf(all, endBin, 2) < LEAST_OUTLIERS) return undefined;
  const targets: Target[] = [
    {},
    ...kinds.map((_, kind) => ({ kind })),
    ...workspaces.map((_, workspace) => ({ workspace })),
  ];
  const storms = targets.flatMap((target): Storm[] => {
    const fired = firedBy(world, target, sliceOf(world, target)!);
    return fired === undefined ? [] : [{ target, fired }];
  });
  const [first] = storms.toSorted((a, b) => b.fired.sigmas! - a.fired.sigmas!);
  if (first === undefined) return undefined;
  const whole = storms.find(({ target }) => Object.keys(target).length === 0);
  const [own, total] = [shareOf(sliceOf(world, first.target)!, endBin), shareOf(all, endBin)];
  const others = (total.outliers - own.outliers) / Math.max(1, total.count - own.count) - all.outlierShare;
  const beyond = first.fired.value - all.outlierShare;
  return whole !== undefined && others > COMMON * beyond ? whole : first;
};

/** Whether the share is nearly as usual again. */
export const isStormOver = (world: World, target: Target): boolean => {
  const slice = sliceOf(world, target) ?? world.all;
  return STORM_HOURS.every((hours) => {
    const { count, outliers } = shareOf(slice, world.endBin, hours);
    if (count < world.config.minCalculations) return false;
    return outliers / count < slice.outlierShare + world.config.outlierShare / 2;
  });
};
