import { z } from 'zod';
import { unstorable } from '../core/text.ts';
import { parseIsoDate } from './dates.ts';
import { MAX_COUNT, MAX_DURATION_MS, MAX_LIST_VALUES, MAX_PROPERTY_LENGTH, MAX_VALUE_LENGTH } from './limits.ts';
import type { CountRange, Duration, Scalar, Window } from './types.ts';
import { type TimeUnit, UNIT_MS } from './units.ts';

/**
 * Schemas of what stands in the fields of leaves. The error of a wrong type is the expectation alone ("a whole number"), so that
 * `problems.ts` can say what was found as well; all other errors are whole sentences without their subject ("must not be …").
 */

export const text = (low: 0 | 1, high: number, expected = 'a string') =>
  z
    .string(expected)
    .min(low, 'must not be empty')
    .max(high, `must have at most ${high} characters`)
    .check(({ value, issues }) => {
      const problem = unstorable(value);
      if (problem !== undefined) issues.push({ code: 'custom', input: value, message: `must not hold ${problem}` });
    });

export const propertyPath = text(1, MAX_PROPERTY_LENGTH, 'the name of a property').refine(
  (path) => !path.split('.').includes(''),
  'must not begin or end with a dot, nor hold two in a row: a dot leads into an object, as in "address.city"',
);

/** −0 is 0, everywhere. */
const plainZero = (value: number): number => (value === 0 ? 0 : value);
export const number = z.number('a number').transform(plainZero);

export const scalar: z.ZodType<Scalar> = z.union([text(0, MAX_VALUE_LENGTH), number, z.boolean()], {
  error: (issue) => scalarError(issue.input),
});

// of a union, zod tells nothing about the option that nearly fitted
const scalarError = (input: unknown): string => {
  const expected = 'a string, a number, true or false';
  if (typeof input !== 'string') return expected;
  return text(0, MAX_VALUE_LENGTH).safeParse(input).error?.issues[0]?.message ?? expected;
};

const listLength = `must hold 1 to ${MAX_LIST_VALUES} values`;
export const scalars = z.array(scalar, 'a list of values').min(1, listLength).max(MAX_LIST_VALUES, listLength);

export const range = z
  .tuple([number, number], 'a list of two numbers, [low, high]')
  .refine(([low, high]) => low <= high, 'must give the lower number first');

export const isoDate = z
  .string('an ISO 8601 date such as "2026-01-31" or "2026-01-31T09:00:00Z"')
  .transform((value, context) => {
    const ms = parseIsoDate(value);
    if (ms !== undefined) return ms;
    context.issues.push({
      code: 'custom',
      input: value,
      message: 'must be an ISO 8601 date such as "2026-01-31" or "2026-01-31T09:00:00Z", a day that the calendar has',
    });
    return z.NEVER;
  })
  .meta({ format: 'date-time', examples: ['2026-01-31', '2026-01-31T09:00:00Z'] });

const amount = z.int('a whole number').min(1, 'must be at least 1').optional();
export const duration: z.ZodType<Duration> = z
  .strictObject({ minutes: amount, hours: amount, days: amount, weeks: amount }, 'a duration such as {"days": 30}')
  .meta({ minProperties: 1, maxProperties: 1, examples: [{ days: 30 }] })
  .transform((given, context): Duration => {
    const units = Object.entries(given) as [TimeUnit, number][];
    const [unit, count] = units[0] ?? ['days', 0];
    const ms = UNIT_MS[unit] * count;
    if (units.length === 1 && ms <= MAX_DURATION_MS) return { ms };
    const message =
      units.length === 1 ? 'must be at most 100 years' : 'must give exactly one of minutes, hours, days and weeks';
    context.issues.push({ code: 'custom', input: given, message });
    return z.NEVER;
  });

/**
 * The one that was given. Otherwise notes that it must be exactly one of `words`.
 *
 * @param path of the field that the words bound; left out: the object itself
 */
export const exactlyOne = <T>(
  given: readonly T[],
  words: readonly string[],
  context: z.RefinementCtx,
  path?: string,
): T | undefined => {
  const [one] = given;
  if (one !== undefined && given.length === 1) return one;
  const list = `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
  const message = path === undefined ? `must give exactly one of ${list}` : `must come with exactly one of ${list}`;
  context.issues.push({ code: 'custom', input: null, message, ...(path === undefined ? {} : { path: [path] }) });
  return undefined;
};

const wholeAmount = z.int('a whole number').min(0, 'must not be negative').optional();
/** Of `anniversary`: 0 days are today alone. */
export const wholeDays: z.ZodType<Duration> = z
  .strictObject({ days: wholeAmount, weeks: wholeAmount }, 'a number of days such as {"days": 7}')
  .meta({ minProperties: 1, maxProperties: 1, examples: [{ days: 0 }] })
  .transform((given, context): Duration => {
    const { days, weeks } = given;
    const ms = plainZero((days ?? 0) * UNIT_MS.days + (weeks ?? 0) * UNIT_MS.weeks);
    if ((days === undefined) !== (weeks === undefined) && ms <= MAX_DURATION_MS) return { ms };
    const message = ms > MAX_DURATION_MS ? 'must be at most 100 years' : 'must give exactly one of days and weeks';
    context.issues.push({ code: 'custom', input: given, message });
    return z.NEVER;
  });

const times = z
  .int('a whole number')
  .min(0, 'must not be negative')
  .max(MAX_COUNT, `must be at most ${MAX_COUNT}`)
  .transform(plainZero);
export const count: z.ZodType<CountRange> = z
  .strictObject(
    {
      atLeast: times.optional(),
      atMost: times.optional(),
      exactly: times.optional(),
      between: z
        .tuple([times, times], 'a list of two whole numbers, [low, high]')
        .refine(([low, high]) => low <= high, 'must give the lower number first')
        .optional(),
    },
    'an object such as {"atLeast": 3}',
  )
  .meta({ minProperties: 1, maxProperties: 1, examples: [{ atLeast: 3 }] })
  .transform(({ atLeast, atMost, exactly, between }, context): CountRange => {
    const ranges: CountRange[] = [];
    if (atLeast !== undefined) ranges.push({ low: atLeast, high: null });
    if (atMost !== undefined) ranges.push({ low: 0, high: atMost });
    if (exactly !== undefined) ranges.push({ low: exactly, high: exactly });
    if (between !== undefined) ranges.push({ low: between[0], high: between[1] });
    return exactlyOne(ranges, ['atLeast', 'atMost', 'exactly', 'between'], context) ?? z.NEVER;
  });

export const within: z.ZodType<Window> = z
  .strictObject(
    { last: duration.optional(), from: isoDate.optional(), to: isoDate.optional() },
    'an object such as {"last": {"days": 30}}',
  )
  .meta({ minProperties: 1, maxProperties: 2, examples: [{ last: { days: 30 } }, { from: '2026-01-01' }] })
  .transform(({ last, from, to }, context): Window => {
    const problem = windowProblem(last !== undefined, from, to);
    if (problem !== undefined) {
      context.issues.push({ code: 'custom', input: null, message: problem });
      return z.NEVER;
    }
    return last === undefined ? absolute(from, to) : { last };
  });

const windowProblem = (rolling: boolean, from?: number, to?: number): string | undefined => {
  if (rolling && (from !== undefined || to !== undefined)) return 'must give either last, or from and to';
  if (!rolling && from === undefined && to === undefined)
    return 'must give last, or from, or to; leave it out for ever';
  return from !== undefined && to !== undefined && from >= to ? 'must have "from" before "to"' : undefined;
};

const absolute = (from?: number, to?: number): Window => ({
  ...(from === undefined ? {} : { from }),
  ...(to === undefined ? {} : { to }),
});
