import type { WindowRange } from '../conditions/window.ts';
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

const monthOf = (day: number): number => {
  const date = new Date(day * DAY_MS);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
};

/** The first day of a month. `Date.UTC` takes the years 0 to 99 for 1900 to 1999, so the year is set by itself. */
const firstDayOf = (month: number): number => {
  const date = new Date(0);
  date.setUTCFullYear(1970 + Math.floor(month / 12), ((month % 12) + 12) % 12, 1);
  return Math.floor(date.getTime() / DAY_MS);
};

const periods = (first: number | null, end: number): Periods | null =>
  first !== null && first >= end ? null : { first, end };

/** Null where the window is empty. */
export const coverWindow = ({ from, to }: WindowRange): Cover | null => {
  if (from !== null && from >= to) return null;
  const endDay = clampDay(Math.floor(to / DAY_MS));
  const dayOfEnd = endDay * DAY_MS;
  const rightEdge = dayOfEnd < to ? { from: dayOfEnd, to } : null;
  if (from === null) {
    const month = monthOf(endDay);
    return {
      leftEdge: null,
      leftDays: null,
      months: { first: null, end: month },
      rightDays: periods(firstDayOf(month), endDay),
      rightEdge,
    };
  }
  const firstDay = clampDay(Math.ceil(from / DAY_MS));
  if (firstDay > endDay)
    return { leftEdge: { from, to }, leftDays: null, months: null, rightDays: null, rightEdge: null };
  const leftEdge = from < firstDay * DAY_MS ? { from, to: firstDay * DAY_MS } : null;
  const month = monthOf(firstDay);
  const firstMonth = firstDayOf(month) === firstDay ? month : month + 1;
  const endMonth = monthOf(endDay);
  if (firstMonth >= endMonth)
    return { leftEdge, leftDays: null, months: null, rightDays: periods(firstDay, endDay), rightEdge };
  return {
    leftEdge,
    leftDays: periods(firstDay, firstDayOf(firstMonth)),
    months: { first: firstMonth, end: endMonth },
    rightDays: periods(firstDayOf(endMonth), endDay),
    rightEdge,
  };
};
