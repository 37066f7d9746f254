import { MAX_SCALED_CODE, numberCode, numberOf } from '../index/codes.ts';
import { FLOAT_SCALE } from '../index/layout.ts';
import type { NumberColumn } from './catalogue.ts';
import type { CodeRange } from './slices.ts';

/** Conditions on float64 values as ranges of the signed codes that a number column holds. */

export interface Bound {
  readonly value: number;
  readonly inside: boolean;
}

/** Null does not bind. */
export interface Interval {
  readonly low: Bound | null;
  readonly high: Bound | null;
}

const UNBOUNDED = 1n << 63n;

/** The code of a float64 in a column of float64 codes, which has one for each. */
const floatCode = (value: number): bigint => numberCode(value, FLOAT_SCALE) as bigint;

/**
 * The greatest code whose value is at most `value`, which need not be representable itself. Decoding is monotonic, so that the
 * estimate only has to be moved to where it turns; it is off by one or two at most.
 */
const greatestScaledAtMost = (value: number, scale: number): bigint => {
  const limit = BigInt(MAX_SCALED_CODE);
  const estimate = Math.min(Math.max(value * 10 ** scale, -MAX_SCALED_CODE), MAX_SCALED_CODE);
  let code = BigInt(Math.round(estimate));
  while (code >= -limit && numberOf(code, scale) > value) code--;
  while (code < limit && numberOf(code + 1n, scale) <= value) code++;
  return code;
};

const leastScaledAtLeast = (value: number, scale: number): bigint => -greatestScaledAtMost(-value, scale);

/** The codes whose values lie in the interval. */
export const codeRange = (interval: Interval, column: Pick<NumberColumn, 'scale'>): CodeRange => {
  const { low, high } = interval;
  const { scale } = column;
  if (scale === FLOAT_SCALE)
    return {
      low: low === null ? -UNBOUNDED : floatCode(low.value) + (low.inside ? 0n : 1n),
      high: high === null ? UNBOUNDED : floatCode(high.value) - (high.inside ? 0n : 1n),
    };
  return {
    low:
      low === null
        ? -UNBOUNDED
        : low.inside
          ? leastScaledAtLeast(low.value, scale)
          : greatestScaledAtMost(low.value, scale) + 1n,
    high:
      high === null
        ? UNBOUNDED
        : high.inside
          ? greatestScaledAtMost(high.value, scale)
          : leastScaledAtLeast(high.value, scale) - 1n,
  };
};

/** The narrower of two lower (upper: pass `least` false) bounds. */
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
export const dateIntervals = (interval: Interval): Interval[] => [
  {
    low: tighter(inUnit(interval.low, 1000), { value: -MAX_DATE_MS / 1000, inside: true }, true),
    high: tighter(inUnit(interval.high, 1000), { value: FIRST_MS, inside: false }, false),
  },
  {
    low: tighter(interval.low, { value: FIRST_MS, inside: true }, true),
    high: tighter(interval.high, { value: MAX_DATE_MS, inside: true }, false),
  },
];

/** The codes of a date column, which holds multiples of its unit. */
export const dateCodeRange = (interval: Interval, unitMs: number): CodeRange => {
  const { low, high } = interval;
  return {
    low:
      low === null
        ? -UNBOUNDED
        : BigInt(low.inside ? Math.ceil(low.value / unitMs) : Math.floor(low.value / unitMs) + 1),
    high:
      high === null
        ? UNBOUNDED
        : BigInt(high.inside ? Math.floor(high.value / unitMs) : Math.ceil(high.value / unitMs) - 1),
  };
};
