import { leavesOf } from './leaves.ts';
import type {
  DateRelative,
  Duration,
  EventFilter,
  ExpandedCondition,
  Leaf,
  PropertyCondition,
  Window,
} from './types.ts';

/** Units of time as conditions are written in, the smallest first. */
export const TIME_UNITS = ['minutes', 'hours', 'days', 'weeks'] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

export const UNIT_MS: Readonly<Record<TimeUnit, number>> = {
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
};

/** The largest unit that holds a duration whole: 24 hours are a day, 36 hours are hours. */
export const unitOf = ({ ms }: Duration): TimeUnit =>
  TIME_UNITS.findLast((unit) => ms % UNIT_MS[unit] === 0) ?? 'minutes';

/** Whether who matches an operator changes as time goes by; a new operator does not compile until that is known. */
const IS_RELATIVE: Record<PropertyCondition['operator'], boolean> = {
  is_set: false,
  is_not_set: false,
  equals: false,
  not_equals: false,
  in: false,
  not_in: false,
  contains: false,
  not_contains: false,
  starts_with: false,
  ends_with: false,
  matches: false,
  greater_than: false,
  at_least: false,
  less_than: false,
  at_most: false,
  between: false,
  before: false,
  after: false,
  on: false,
  within_last: true,
  not_within_last: true,
  within_next: true,
  anniversary: true,
  includes: false,
  not_includes: false,
  includes_any: false,
  includes_all: false,
};

const ofProperty = (leaf: PropertyCondition): Duration[] => {
  // whoever's anniversary comes changes with each day, however many days ahead are asked for
  if (leaf.operator === 'anniversary') return [{ ms: UNIT_MS.days }];
  return IS_RELATIVE[leaf.operator] ? [(leaf as DateRelative).value] : [];
};

const ofWindow = (window: Window): Duration[] => ('last' in window ? [window.last] : []);

const ofEvent = ({ within, where = [] }: Pick<EventFilter, 'within' | 'where'>): Duration[] => [
  ...ofWindow(within),
  ...where.flatMap(ofProperty),
];

/**
 * The durations that a leaf counts from `asOf`; a new leaf does not compile until it is known where its own are. That between two
 * steps of a sequence is not one: it stays as it is.
 */
const DURATIONS: { readonly [T in Leaf['type']]: (leaf: Extract<Leaf, { type: T }>) => Duration[] } = {
  property: ofProperty,
  event: ofEvent,
  event_aggregate: ofEvent,
  event_recency: ofEvent,
  sequence: ({ steps, within }) => [
    ...ofWindow(within),
    ...steps.flatMap(({ where = [] }) => where.flatMap(ofProperty)),
  ],
  sample: () => [],
  list: () => [],
};

/**
 * The smallest unit of time that a condition is written in. Undefined: who is a member depends on the data alone (and on events
 * whose time has not come yet, as those later than `asOf` do not count).
 */
export const smallestUnit = (condition: ExpandedCondition): TimeUnit | undefined => {
  const units = new Set(
    leavesOf(condition).flatMap((leaf) => (DURATIONS[leaf.type] as (leaf: Leaf) => Duration[])(leaf).map(unitOf)),
  );
  return TIME_UNITS.find((unit) => units.has(unit));
};
