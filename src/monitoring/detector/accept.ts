import { record } from './baseline.ts';
import { trimmedMean } from './robust.ts';
import type { Target } from './scopes.ts';
import { RING } from './segments.ts';
import { BINS_PER_DAY, dayOfBin } from './time.ts';
import { looker, membersOf, recentOf, type World } from './world.ts';

/** A segment's own last day counts against the whole scope's average as if that were so many calculations. */
const COMMON_WEIGHT = 4;

const scratch = new Float64Array(RING);

/** What the segments of a target take now becomes their level; what was learned of them before is forgotten. */
export const acceptLevels = (
  world: World,
  target: Target,
  who: { readonly by: string; readonly note: string; readonly at: number },
): void => {
  const { segments, model, endBin } = world;
  const common = recentOf(looker(world, target), world).own.mean;
  const changes: number[] = [];
  for (const i of membersOf(segments, target)) {
    const n = segments.copyRing(i, endBin - BINS_PER_DAY, scratch);
    const own = n === 0 ? 0 : trimmedMean(scratch, n) - segments.level[i]!;
    const change = (n * own + COMMON_WEIGHT * common) / (n + COMMON_WEIGHT);
    segments.level[i]! += change;
    segments.anchor[i] = segments.level[i]!;
    segments.anchorDay[i] = dayOfBin(endBin - 1);
    segments.lockedUntil[i] = 0;
    segments.gap[i] = 0;
    segments.lately[i] = 0;
    for (const day of segments.days) day.count[i] = 0;
    changes.push(change);
  }
  model.version += 1;
  const change = Math.exp(changes.reduce((sum, each) => sum + each, 0) / Math.max(1, changes.length));
  record(model, { version: model.version, reason: 'accepted', segments: changes.length, change, ...who });
};
