import { MAX_SCALED_CODE, numberCode, numberOf } from '../index/codes.ts';
import { FLOAT_SCALE } from '../index/layout.ts';
import type { NumberColumn } from './catalogue.ts';
import type { Interval } from './intervals.ts';
import type { CodeRange } from './slices.ts';

/** Conditions on float64 values as ranges of the signed codes that a number column holds. */

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
