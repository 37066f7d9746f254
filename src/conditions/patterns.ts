import { placesOf } from './leaves.ts';
import type { Condition } from './types.ts';

/** A regular expression of a condition. */
export interface Pattern {
  /** Where it stands: `condition.of[2].value`. */
  readonly path: string;
  readonly text: string;
  readonly ignoreCase: boolean;
}

/** The regular expressions that a condition holds: only a database can tell whether they are any. */
export const patternsOf = (condition: Condition, path = 'condition'): Pattern[] =>
  placesOf(condition, path).flatMap(({ leaf, path: place }) =>
    leaf.type === 'property' && leaf.operator === 'matches'
      ? [{ path: `${place}.value`, text: leaf.value, ignoreCase: leaf.ignoreCase }]
      : [],
  );
