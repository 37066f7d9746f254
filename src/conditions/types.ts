/** The condition language as types. `parse.ts` makes these from JSON; nothing here knows a database. */

export type Scalar = string | number | boolean;

/** Whole units of time; weeks and days are fixed lengths, so a duration is a number of milliseconds. */
export interface Duration {
  readonly ms: number;
}

/** Half-open, in epoch milliseconds: `from` inside, `to` outside. */
export interface AbsoluteWindow {
  readonly from?: number;
  readonly to?: number;
}

export type Window = { readonly last: Duration } | AbsoluteWindow;

interface PropertyLeaf {
  readonly type: 'property';
  /** A path: `address.city` reaches into objects. */
  readonly property: string;
}

export interface IsSet extends PropertyLeaf {
  readonly operator: 'is_set' | 'is_not_set';
}
export interface Equals extends PropertyLeaf {
  readonly operator: 'equals' | 'not_equals';
  readonly value: Scalar;
}
export interface In extends PropertyLeaf {
  readonly operator: 'in' | 'not_in';
  readonly value: readonly Scalar[];
}
export interface TextMatch extends PropertyLeaf {
  readonly operator: 'contains' | 'not_contains' | 'starts_with' | 'ends_with' | 'matches';
  /** Of `matches`, a regular expression of PostgreSQL's. */
  readonly value: string;
  readonly ignoreCase: boolean;
}
export interface NumberCompare extends PropertyLeaf {
  readonly operator: 'greater_than' | 'at_least' | 'less_than' | 'at_most';
  readonly value: number;
}
export interface NumberBetween extends PropertyLeaf {
  readonly operator: 'between';
  /** Both inside. */
  readonly value: readonly [low: number, high: number];
}
export interface DateCompare extends PropertyLeaf {
  /** `on`: the UTC day that holds the value. */
  readonly operator: 'before' | 'after' | 'on';
  /** Epoch milliseconds. */
  readonly value: number;
}
export interface DateRelative extends PropertyLeaf {
  /** `within_last`: asOf − value ≤ date ≤ asOf; `within_next`: asOf ≤ date ≤ asOf + value. */
  readonly operator: 'within_last' | 'not_within_last' | 'within_next';
  readonly value: Duration;
}
export interface Anniversary extends PropertyLeaf {
  readonly operator: 'anniversary';
  /** Whole days, from 0 (today): month and day of the date come again within so many days from asOf's own, UTC. */
  readonly value: Duration;
}
export interface Includes extends PropertyLeaf {
  readonly operator: 'includes' | 'not_includes';
  readonly value: Scalar;
}
export interface IncludesMany extends PropertyLeaf {
  readonly operator: 'includes_any' | 'includes_all';
  readonly value: readonly Scalar[];
}

export type PropertyCondition =
  | IsSet
  | Equals
  | In
  | TextMatch
  | NumberCompare
  | NumberBetween
  | DateCompare
  | DateRelative
  | Anniversary
  | Includes
  | IncludesMany;

export type PropertyOperator = PropertyCondition['operator'];

/** The leaves that have an operator: `Equals` of `equals`. */
export type LeafOf<O extends PropertyOperator> = PropertyCondition extends infer L
  ? L extends PropertyCondition
    ? O extends L['operator']
      ? L
      : never
    : never
  : never;

/** How often: both bounds inside; `high` null is unbounded. `{low: 1, high: null}` is "at least once". */
export interface CountRange {
  readonly low: number;
  readonly high: number | null;
}

/** Which of a user's events are meant: those of this name, in this window, whose own properties all of `where` holds for. */
export interface EventFilter {
  readonly event: string;
  readonly within: Window;
  /** Absent rather than empty. */
  readonly where?: readonly PropertyCondition[];
}

export interface EventCount extends EventFilter {
  readonly type: 'event';
  readonly count: CountRange;
}

export const AGGREGATES = ['sum', 'avg', 'min', 'max'] as const;
export type Aggregate = (typeof AGGREGATES)[number];

/** Both bounds inside; null is unbounded, and one of them is not. */
export interface NumberRange {
  readonly low: number | null;
  readonly high: number | null;
}

/** Over the finite numbers that the events hold under `property`. In JSON its type is `event` too. */
export interface EventAggregate extends EventFilter {
  readonly type: 'event_aggregate';
  readonly aggregate: Aggregate;
  readonly property: string;
  readonly range: NumberRange;
}

/** Whether the first, or last, of a user's events lies in the window. In JSON its type is `event` too. */
export interface EventRecency extends EventFilter {
  readonly type: 'event_recency';
  readonly occurrence: 'first' | 'last';
}

export interface SequenceStep {
  readonly event: string;
  /** Absent rather than empty. */
  readonly where?: readonly PropertyCondition[];
  /** At most this long after the step before; the first step has none. */
  readonly after?: Duration;
}

/** Events of one user, a different one for each step, in the order of time, all in the window. */
export interface EventSequence {
  readonly type: 'sequence';
  readonly steps: readonly SequenceStep[];
  readonly within: Window;
}

/** What is asked of a user's events. */
export type EventCondition = EventCount | EventAggregate | EventRecency | EventSequence;

export interface SegmentReference {
  readonly type: 'segment';
  readonly segment: string;
}

export interface Sample {
  readonly type: 'sample';
  /** 0..100, inclusive. */
  readonly percent: number;
  readonly seed: string;
}

/** Who is on a segment's list of userIds. Of our own making: nobody can write it, expanding a segment gives it. */
export interface Listed {
  readonly type: 'list';
  readonly segment: string;
  /** `users`: whom a static segment consists of. */
  readonly role: ListRole;
  readonly list: number;
}
export const LIST_ROLES = ['users', 'include', 'exclude'] as const;
export type ListRole = (typeof LIST_ROLES)[number];

export interface All<L> {
  readonly type: 'all';
  readonly of: readonly Tree<L>[];
}
export interface Any<L> {
  readonly type: 'any';
  readonly of: readonly Tree<L>[];
}
export interface Not<L> {
  readonly type: 'not';
  readonly of: Tree<L>;
}
export type Tree<L> = All<L> | Any<L> | Not<L> | L;

/** What the compiler takes: no references to other segments are left. */
export type Leaf = PropertyCondition | EventCondition | Sample | Listed;
export type Condition = Tree<Leaf | SegmentReference>;
export type ExpandedCondition = Tree<Leaf>;

export const CONDITION_KINDS = [
  'property.is_set',
  'property.equals',
  'property.text',
  'property.number',
  'property.date',
  'property.array',
  'event.count',
  'event.where',
  'event.aggregate',
  'event.recency',
  'event.sequence',
  'segment',
  'sample',
] as const;
export type ConditionKind = (typeof CONDITION_KINDS)[number];
