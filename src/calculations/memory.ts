import type { Basis } from '../compiler/calculation.ts';
import type { ExpandedCondition } from '../conditions/types.ts';
import type { loadCatalogue } from '../index/catalogue.ts';
import type { Definition, Definitions, Expanded } from './definitions.ts';
import { MAX_REMEMBERED_SEGMENTS } from './limits.ts';

type Catalogue = Awaited<ReturnType<typeof loadCatalogue>>;

/** All that a segment's membership is compiled from, apart from the time. */
export interface Known {
  readonly condition: ExpandedCondition;
  readonly kinds: Expanded['kinds'];
  readonly catalogue: Catalogue;
  readonly version: number;
  readonly basis: Basis;
  /** Changes were pending when it was last calculated: probably some are again. */
  readonly busy: boolean;
}

/** @param definitions the segment's own and those of all that it reaches */
export const knownOf = (
  definition: Definition,
  definitions: Definitions,
  expanded: Expanded,
  catalogue: Catalogue,
): Known => {
  const all = [...definitions.values()];
  const { propertyIds, columnVersions, eventIds, absentProperties, absentEvents } = catalogue;
  // Plain data: it may go to another thread.
  return {
    condition: expanded.condition,
    kinds: expanded.kinds,
    catalogue,
    version: definition.version,
    busy: false,
    basis: {
      segmentIds: all.map(({ id }) => id),
      segmentVersions: all.map(({ version }) => version),
      propertyIds,
      columnVersions,
      eventIds,
      absentProperties,
      absentEvents,
    },
  };
};

/**
 * What a thread remembers of the segments that it calculated last, by id. It may be out of date at any time: the statement that
 * uses it looks whether it is.
 */
export class Memory {
  readonly #known = new Map<number, Known>();

  get(segmentId: number): Known | undefined {
    return this.#known.get(segmentId);
  }

  /** Forgets the one that was set first where they are too many. */
  set(segmentId: number, known: Known): void {
    this.#known.delete(segmentId);
    this.#known.set(segmentId, known);
    if (this.#known.size > MAX_REMEMBERED_SEGMENTS) this.forget(this.#known.keys().next().value as number);
  }

  forget(segmentId: number): void {
    this.#known.delete(segmentId);
  }
}
