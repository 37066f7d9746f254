import type { WindowRange } from '../conditions/window.ts';
import { firstDayOfMonth, firstDayOfOctad, monthOfDay, octadOfDay } from '../index/codes.ts';
import { DAY_MS, PERIOD_DAY, PERIOD_MONTH, PERIOD_OCTAD } from '../index/layout.ts';

/** Periods of one kind: numbers as `event_slices` has them, `end` outside. */
export interface Periods {
  readonly period: number;
  readonly first: number;
  readonly end: number;
}

/** Part of one day, in milliseconds, half-open. */
export interface Edge {
  readonly from: number;
  readonly to: number;
}

/** A window in parts that do not overlap: the largest periods that lie in it wholly, and what is left at its ends. */
export interface Cover {
  readonly leftEdge: Edge | null;
  readonly periods: readonly Periods[];
  /** Starts with its day. Null where the window ends with a day, or lies in one day and starts later than it: then it is all left edge. */
  readonly rightEdge: Edge | null;
}

/** Days that no event is outside of: columns of type integer, and dates of JavaScript. */
const FIRST_DAY = -100_000_000;
const LAST_DAY = 100_000_000;
const clampDay = (day: number): number => Math.min(Math.max(day, FIRST_DAY), LAST_DAY);
/** The first month of year −200,000: before every event. */
const FIRST_MONTH = (-200_000 - 1970) * 12;

interface Kind {
  readonly period: number;
  readonly ofDay: (day: number) => number;
  readonly firstDay: (number: number) => number;
}

/** From the largest; each consists of whole ones of the next. */
const KINDS: readonly Kind[] = [
  { period: PERIOD_MONTH, ofDay: monthOfDay, firstDay: firstDayOfMonth },
  { period: PERIOD_OCTAD, ofDay: octadOfDay, firstDay: firstDayOfOctad },
  { period: PERIOD_DAY, ofDay: (day) => day, firstDay: (day) => day },
];

/** The days from `first` to `end` (outside) in the largest whole periods. */
const coverDays = (first: number, end: number, [kind, ...smaller]: readonly Kind[] = KINDS): Periods[] => {
  if (kind === undefined || first >= end) return [];
  const { period, ofDay, firstDay } = kind;
  const begun = ofDay(first);
  const whole = { period, first: firstDay(begun) === first ? begun : begun + 1, end: ofDay(end) };
  if (whole.first >= whole.end) return coverDays(first, end, smaller);
  return [...coverDays(first, firstDay(whole.first), smaller), whole, ...coverDays(firstDay(whole.end), end, smaller)];
};

/** Null where the window is empty. */
export const coverWindow = ({ from, to }: WindowRange): Cover | null => {
  if (from !== null && from >= to) return null;
  const endDay = clampDay(Math.floor(to / DAY_MS));
  const dayOfEnd = endDay * DAY_MS;
  const rightEdge = dayOfEnd < to ? { from: dayOfEnd, to } : null;
  if (from === null) {
    const month = monthOfDay(endDay);
    const months = { period: PERIOD_MONTH, first: FIRST_MONTH, end: month };
    return { leftEdge: null, periods: [months, ...coverDays(firstDayOfMonth(month), endDay)], rightEdge };
  }
  const firstDay = clampDay(Math.ceil(from / DAY_MS));
  if (firstDay > endDay) return { leftEdge: { from, to }, periods: [], rightEdge: null };
  const leftEdge = from < firstDay * DAY_MS ? { from, to: firstDay * DAY_MS } : null;
  return { leftEdge, periods: coverDays(firstDay, endDay), rightEdge };
};
