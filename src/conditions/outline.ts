import type { SegmentLookup } from './expand.ts';
import type { All, Any, Condition, Leaf, Not } from './types.ts';

/** Another segment's condition below its name. */
export interface NamedOutline {
  readonly type: 'segment';
  readonly segment: string;
  readonly of: Outline;
}

type Node = Leaf | NamedOutline;
/** A condition with the conditions of other segments below their names: for telling, where `expandSegments` is for calculating. */
export type Outline = All<Node> | Any<Node> | Not<Node> | Node;

/**
 * The outline of a condition. Call `expandSegments` first: it refuses circles, unknown segments and what is too large.
 *
 * @throws Error for a segment that `lookup` does not know
 */
export const outline = (condition: Condition, lookup: SegmentLookup): Outline => {
  switch (condition.type) {
    case 'all':
    case 'any':
      return { type: condition.type, of: condition.of.map((child) => outline(child, lookup)) };
    case 'not':
      return { type: 'not', of: outline(condition.of, lookup) };
    case 'segment': {
      const definition = lookup(condition.segment);
      if (definition === undefined) throw new Error(`the segment ${condition.segment} is not there`);
      return { type: 'segment', segment: condition.segment, of: outline(definition, lookup) };
    }
    default:
      return condition;
  }
};
