import fc from 'fast-check';
import {
  DATE_UNITS_MS,
  dateCode,
  firstDayOfMonth,
  MAX_SCALE,
  monthOfDay,
  numberCode,
  numberOf,
  scaleFor,
  unitFor,
} from '../../../src/index/codes.ts';
import { DAY_MS, FLOAT_SCALE } from '../../../src/index/layout.ts';

const edges = [
  -0,
  0,
  0.1,
  0.2,
  0.1 + 0.2,
  19.99,
  1e15,
  1e21,
  1e22,
  1e308,
  5e-324,
  -5e-324,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
  Number.MAX_VALUE,
  2.2250738585072014e-308,
  2 ** 53 / 100,
  2 ** 53 / 10 - 0.1,
  0.30000000000000004,
];
const number = fc.oneof(
  fc.constantFrom(...edges, ...edges.map((value) => -value)),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.integer().map((cents) => cents / 100),
  fc.maxSafeInteger().map((n) => n / 1000),
);
const scale = fc.integer({ min: FLOAT_SCALE, max: MAX_SCALE });

test('a number that a scale can hold comes back as itself', () => {
  fc.assert(
    fc.property(number, scale, (value, from) => {
      const to = scaleFor(value, from);
      const code = numberCode(value, to);
      expect(code).toBeDefined();
      expect(numberOf(code as bigint, to)).toBe(value + 0);
      expect(to === FLOAT_SCALE || to >= from).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('codes are ordered as numbers are', () => {
  fc.assert(
    fc.property(number, number, scale, (a, b, from) => {
      const to = scaleFor(b, scaleFor(a, from));
      // The finer scale may be too fine for the first.
      const codeA = numberCode(a, to);
      const codeB = numberCode(b, to);
      if (codeA === undefined || codeB === undefined) return;
      expect(codeA < codeB).toBe(a < b);
      expect(codeA === codeB).toBe(a === b);
    }),
    { numRuns: 2000 },
  );
});

test('scales: whole numbers, then money, then finer, then float64', () => {
  expect(scaleFor(5, 0)).toBe(0);
  expect(scaleFor(-(2 ** 53), 0)).toBe(0);
  expect(scaleFor(0.5, 0)).toBe(2);
  expect(scaleFor(0.125, 0)).toBe(3);
  expect(scaleFor(0.5, 3)).toBe(3);
  expect(scaleFor(0.1 + 0.2, 2)).toBe(FLOAT_SCALE);
  expect(scaleFor(2 ** 53 + 2, 0)).toBe(FLOAT_SCALE);
  expect(scaleFor(1, FLOAT_SCALE)).toBe(FLOAT_SCALE);
  expect(numberCode(0.5, 0)).toBeUndefined();
  expect(numberCode(-0, 0)).toBe(0n);
  expect(numberCode(-0, FLOAT_SCALE)).toBe(0n);
  expect(numberCode(Number.POSITIVE_INFINITY, FLOAT_SCALE)).toBeUndefined();
  expect(numberCode(-5e-324, FLOAT_SCALE)).toBe(-1n);
});

test('the powers of ten by which columns are scaled are what 10 ** scale gives', () => {
  for (let power = 0; power <= MAX_SCALE; power++) expect(numberOf(10n ** BigInt(power), power)).toBe(1);
  for (let power = 0; power <= MAX_SCALE; power++) expect(10 ** power).toBe(Number(`1e${power}`));
});

test('dates take the coarsest unit that holds them', () => {
  expect(unitFor(0, DAY_MS)).toBe(DAY_MS);
  expect(unitFor(-DAY_MS, DAY_MS)).toBe(DAY_MS);
  expect(unitFor(90_000, DAY_MS)).toBe(1000);
  expect(unitFor(DAY_MS, 1000)).toBe(1000);
  expect(unitFor(-1, DAY_MS)).toBe(1);
  expect(dateCode(-DAY_MS, DAY_MS)).toBe(-1n);
  expect(dateCode(1, DAY_MS)).toBeUndefined();
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (ms) => {
      const unit = unitFor(ms, DATE_UNITS_MS[0]);
      expect(Number(dateCode(ms, unit)) * unit).toBe(ms);
    }),
  );
});

test('months begin on their first day, before 1970 and in the year 50 too', () => {
  expect(firstDayOfMonth(0)).toBe(0);
  expect(monthOfDay(-1)).toBe(-1);
  expect(firstDayOfMonth(-1)).toBe(-31);
  fc.assert(
    fc.property(fc.integer({ min: -24_000, max: 96_000 }), (month) => {
      const first = firstDayOfMonth(month);
      expect([monthOfDay(first), monthOfDay(first - 1)]).toEqual([month, month - 1]);
    }),
  );
});
