import { leavesOf } from './leaves.ts';
import type { ExpandedCondition, Leaf, Scalar, TextMatch } from './types.ts';

/** What a condition names, for whoever loads the catalogue that it is compiled with. */
export interface References {
  readonly properties: ReadonlySet<string>;
  readonly events: ReadonlySet<string>;
  /** Ids of lists of userIds. */
  readonly lists: ReadonlySet<number>;
  /** By property path: the strings whose codes are needed of the text column's dictionary. */
  readonly textValues: ReadonlyMap<string, ReadonlySet<string>>;
  /** By property path: the values, as JSON, whose codes are needed of the array column's dictionary. */
  readonly elementValues: ReadonlyMap<string, ReadonlySet<string>>;
  /** One of each `textMatchKey`; a `not_contains` stands for `contains` too. */
  readonly textMatches: readonly TextMatch[];
}

/** Under what an array's element stands in its dictionary: `5` and `"5"` differ, −0 is 0. */
export const elementKey = (value: Scalar): string => JSON.stringify(value);

/** `contains` and `not_contains` of the same text share a key: they match the same values of the dictionary. */
export const textMatchKey = (leaf: TextMatch): string =>
  JSON.stringify([
    leaf.property,
    leaf.operator === 'not_contains' ? 'contains' : leaf.operator,
    leaf.value,
    leaf.ignoreCase,
  ]);

const add = (map: Map<string, Set<string>>, property: string, value: string): void => {
  const values = map.get(property);
  if (values) values.add(value);
  else map.set(property, new Set([value]));
};

/** Names of the events that a leaf asks about. What stands in `where` is read from the events themselves. */
const eventsOf = (leaf: Leaf): string[] => {
  if (leaf.type === 'sequence') return leaf.steps.map(({ event }) => event);
  return 'event' in leaf ? [leaf.event] : [];
};

export const references = (condition: ExpandedCondition): References => {
  const properties = new Set<string>();
  const events = new Set<string>();
  const lists = new Set<number>();
  const textValues = new Map<string, Set<string>>();
  const elementValues = new Map<string, Set<string>>();
  const textMatches = new Map<string, TextMatch>();
  const equal = (property: string, value: Scalar): void => {
    if (typeof value === 'string') add(textValues, property, value);
    add(elementValues, property, elementKey(value));
  };
  for (const leaf of leavesOf(condition)) {
    for (const name of eventsOf(leaf)) events.add(name);
    if (leaf.type === 'list') lists.add(leaf.list);
    if (leaf.type !== 'property') continue;
    properties.add(leaf.property);
    switch (leaf.operator) {
      case 'equals':
      case 'not_equals':
        equal(leaf.property, leaf.value);
        break;
      case 'in':
      case 'not_in':
        for (const value of leaf.value) equal(leaf.property, value);
        break;
      case 'includes':
      case 'not_includes':
        add(elementValues, leaf.property, elementKey(leaf.value));
        break;
      case 'includes_any':
      case 'includes_all':
        for (const value of leaf.value) add(elementValues, leaf.property, elementKey(value));
        break;
      case 'contains':
      case 'not_contains':
      case 'starts_with':
      case 'ends_with':
      case 'matches':
        textMatches.set(textMatchKey(leaf), leaf);
        break;
      default: // numbers and dates are compared by their codes, which need no dictionary
        break;
    }
  }
  return { properties, events, lists, textValues, elementValues, textMatches: [...textMatches.values()] };
};
