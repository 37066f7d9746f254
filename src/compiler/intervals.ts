import type { Anniversary, DateCompare, DateRelative, NumberBetween, NumberCompare } from '../conditions/types.ts';
import { LAST_YEAR_DAY, yearDayOf } from '../index/codes.ts';
import { DAY_MS } from '../index/layout.ts';

/** What leaves on numbers and dates hold for, as intervals: the same for bitmaps and for rows. */

export interface Bound {
  readonly value: number;
  readonly inside: boolean;
}

/** Null does not bind. */
export interface Interval {
  readonly low: Bound | null;
  readonly high: Bound | null;
}

const inside = (value: number): Bound => ({ value, inside: true });
const outside = (value: number): Bound => ({ value, inside: false });

export const numberInterval = (leaf: NumberCompare | NumberBetween): Interval => {
  switch (leaf.operator) {
    case 'greater_than':
      return { low: outside(leaf.value), high: null };
    case 'at_least':
      return { low: inside(leaf.value), high: null };
    case 'less_than':
      return { low: null, high: outside(leaf.value) };
    case 'at_most':
      return { low: null, high: inside(leaf.value) };
    case 'between':
      return { low: inside(leaf.value[0]), high: inside(leaf.value[1]) };
  }
};

const onDay = (ms: number): Interval => {
  const start = Math.floor(ms / DAY_MS) * DAY_MS;
  return { low: inside(start), high: outside(start + DAY_MS) };
};

/** In epoch milliseconds; of a negative operator, what its positive one holds for. */
export const dateInterval = (leaf: DateCompare | DateRelative, asOf: number): Interval => {
  switch (leaf.operator) {
    case 'before':
      return { low: null, high: outside(leaf.value) };
    case 'after':
      return { low: outside(leaf.value), high: null };
    case 'on':
      return onDay(leaf.value);
    case 'within_last':
    case 'not_within_last':
      return { low: inside(asOf - leaf.value.ms), high: inside(asOf) };
    case 'within_next':
      return { low: inside(asOf), high: inside(asOf + leaf.value.ms) };
  }
};

/** Days of the year, both inside; where `first` is after `last`, through the turn of the year. */
export interface YearDays {
  readonly first: number;
  readonly last: number;
}
export const EVERY_DAY: YearDays = { first: 0, last: LAST_YEAR_DAY };

/** The days of the year that an anniversary may fall on; 29 February falls on the 28th in years without it. */
export const anniversaryDays = ({ value }: Anniversary, asOf: number): YearDays => {
  const days = Math.floor(value.ms / DAY_MS);
  if (days >= LAST_YEAR_DAY) return EVERY_DAY;
  const end = asOf + days * DAY_MS;
  const last = yearDayOf(end);
  return {
    first: yearDayOf(asOf),
    last: last === FEBRUARY_28 && yearDayOf(end + DAY_MS) > FEBRUARY_29 ? FEBRUARY_29 : last,
  };
};
const FEBRUARY_28 = 58;
const FEBRUARY_29 = 59;

/** The narrower of two lower (upper: pass `lower` false) bounds. */
const tighter = (a: Bound | null, b: Bound, lower: boolean): Bound => {
  if (a === null) return b;
  if (a.value === b.value) return a.inside ? b : a;
  return a.value > b.value === lower ? a : b;
};

/** Numbers from here up are milliseconds, below it seconds. */
const FIRST_MS = 1e11;
/** As far as a JavaScript date reaches. */
const MAX_DATE_MS = 8.64e15;

const inUnit = (bound: Bound | null, unitMs: number): Bound | null =>
  bound === null ? null : { value: bound.value / unitMs, inside: bound.inside };

/** An interval of time, in milliseconds, as the intervals of a number that means a date: seconds, and milliseconds. */
export const dateIntervals = (interval: Interval): [seconds: Interval, milliseconds: Interval] => [
  {
    low: tighter(inUnit(interval.low, 1000), inside(-MAX_DATE_MS / 1000), true),
    high: tighter(inUnit(interval.high, 1000), outside(FIRST_MS), false),
  },
  {
    low: tighter(interval.low, inside(FIRST_MS), true),
    high: tighter(interval.high, inside(MAX_DATE_MS), false),
  },
];
