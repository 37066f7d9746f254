import { type Place, placesOf, propertyPlaces } from './leaves.ts';
import type { Condition, PropertyCondition } from './types.ts';

/** A regular expression of a condition. */
export interface Pattern {
  /** Where it stands: `condition.of[2].value`. */
  readonly path: string;
  readonly text: string;
  readonly ignoreCase: boolean;
}

const patternOf = ({ path, leaf }: Place<PropertyCondition>): Pattern[] =>
  leaf.operator === 'matches' ? [{ path: `${path}.value`, text: leaf.value, ignoreCase: leaf.ignoreCase }] : [];

/** The regular expressions that a condition holds: only a database can tell whether they are any. */
export const patternsOf = (condition: Condition, path = 'condition'): Pattern[] =>
  placesOf(condition, path).flatMap(propertyPlaces).flatMap(patternOf);
