import type { WindowRange } from '../conditions/window.ts';
import { firstDayOfMonth, monthOfDay } from '../index/codes.ts';
import { DAY_MS } from '../index/layout.ts';

/** Days, or months, since 1970-01: `first` inside (null: since ever), `end` outside. */
export interface Periods {
  readonly first: number | null;
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
  readonly leftDays: Periods | null;
  readonly months: Periods | null;
  readonly rightDays: Periods | null;
  /** Starts with its day. Null where the window ends with a day, or lies in one day and starts later than it: then it is all left edge. */
  readonly rightEdge: Edge | null;
}

/** Days that no event is outside of: columns of type integer, and dates of JavaScript. */
const FIRST_DAY = -100_000_000;
const LAST_DAY = 100_000_000;
const clampDay = (day: number): number => Math.min(Math.max(day, FIRST_DAY), LAST_DAY);

const periods = (first: number | null, end: number): Periods | null =>
  first !== null && first >= end ? null : { first, end };

/** Null where the window is empty. */
export const coverWindow = ({ from, to }: WindowRange): Cover | null => {
  if (from !== null && from >= to) return null;
  const endDay = clampDay(Math.floor(to / DAY_MS));
  const dayOfEnd = endDay * DAY_MS;
  const rightEdge = dayOfEnd < to ? { from: dayOfEnd, to } : null;
  if (from === null) {
    const month = monthOfDay(endDay);
    return {
      leftEdge: null,
      leftDays: null,
      months: { first: null, end: month },
      rightDays: periods(firstDayOfMonth(month), endDay),
      rightEdge,
    };
  }
  const firstDay = clampDay(Math.ceil(from / DAY_MS));
  if (firstDay > endDay)
    return { leftEdge: { from, to }, leftDays: null, months: null, rightDays: null, rightEdge: null };
  const leftEdge = from < firstDay * DAY_MS ? { from, to: firstDay * DAY_MS } : null;
  const month = monthOfDay(firstDay);
  const firstMonth = firstDayOfMonth(month) === firstDay ? month : month + 1;
  const endMonth = monthOfDay(endDay);
  if (firstMonth >= endMonth)
    return { leftEdge, leftDays: null, months: null, rightDays: periods(firstDay, endDay), rightEdge };
  return {
    leftEdge,
    leftDays: periods(firstDay, firstDayOfMonth(firstMonth)),
    months: { first: firstMonth, end: endMonth },
    rightDays: periods(firstDayOfMonth(endMonth), endDay),
    rightEdge,
  };
};
