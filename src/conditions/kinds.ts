import { leavesOf } from './leaves.ts';
import type { Condition, ConditionKind, Leaf, PropertyCondition, PropertyOperator, SegmentReference } from './types.ts';

/** A new operator does not compile until it has its kind. */
const KIND_OF_OPERATOR: Record<PropertyOperator, ConditionKind> = {
  is_set: 'property.is_set',
  is_not_set: 'property.is_set',
  equals: 'property.equals',
  not_equals: 'property.equals',
  in: 'property.equals',
  not_in: 'property.equals',
  contains: 'property.text',
  not_contains: 'property.text',
  starts_with: 'property.text',
  ends_with: 'property.text',
  matches: 'property.text',
  greater_than: 'property.number',
  at_least: 'property.number',
  less_than: 'property.number',
  at_most: 'property.number',
  between: 'property.number',
  before: 'property.date',
  after: 'property.date',
  on: 'property.date',
  within_last: 'property.date',
  not_within_last: 'property.date',
  within_next: 'property.date',
  anniversary: 'property.date',
  includes: 'property.array',
  not_includes: 'property.array',
  includes_any: 'property.array',
  includes_all: 'property.array',
};

const KIND_OF_TYPE: Record<Exclude<Leaf | SegmentReference, PropertyCondition>['type'], ConditionKind> = {
  event: 'event.count',
  event_aggregate: 'event.aggregate',
  event_recency: 'event.recency',
  sequence: 'event.sequence',
  segment: 'segment',
  sample: 'sample',
  // the members of a segment, as `segment` is
  list: 'segment',
};

/** The kind of a leaf: monitoring is sliced by it. */
export const kindOf = (leaf: Leaf | SegmentReference): ConditionKind => {
  if (leaf.type === 'property') return KIND_OF_OPERATOR[leaf.operator];
  return leaf.type === 'event' && leaf.where !== undefined ? 'event.where' : KIND_OF_TYPE[leaf.type];
};

/**
 * The kinds of all leaves, each once, sorted. Of a condition that refers to segments, give what it expands to as well: the kinds
 * are then `segment` and those of everything that is really calculated.
 */
export const kindsOf = (...conditions: readonly Condition[]): ConditionKind[] =>
  [...new Set(conditions.flatMap((condition) => leavesOf(condition).map(kindOf)))].sort();
