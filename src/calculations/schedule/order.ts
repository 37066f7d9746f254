import { parseCondition, referencedSegments } from '../../conditions/index.ts';
import type { Definitions } from '../definitions.ts';

/** How many segments stand in line below one, at most: 0 where it names none. What cannot be read counts as naming none. */
const depths = (definitions: Definitions): ((key: string) => number) => {
  const known = new Map<string, number>();
  const depth = (key: string): number => {
    const found = known.get(key);
    if (found !== undefined) return found;
    // Also for what would be a cycle, though none can be stored.
    known.set(key, 0);
    const below = namesOf(definitions.get(key)?.condition).map(depth);
    const own = below.length === 0 ? 0 : Math.max(...below) + 1;
    known.set(key, own);
    return own;
  };
  return depth;
};

const namesOf = (condition: unknown): string[] => {
  try {
    return referencedSegments(parseCondition(condition));
  } catch {
    return [];
  }
};

/**
 * Segments of one workspace so that each comes after all that it depends on, otherwise as they came. Results do not depend on it:
 * a segment's condition is evaluated with those of its sources, never with their snapshots.
 *
 * @param definitions of `segments` and all that they reach
 */
export const sourcesFirst = <S extends { readonly key: string }>(
  segments: readonly S[],
  definitions: Definitions,
): S[] => {
  const depth = depths(definitions);
  return segments.toSorted((a, b) => depth(a.key) - depth(b.key));
};
