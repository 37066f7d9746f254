import fc from 'fast-check';
import { codeRange, dateCodeRange } from '../../../src/compiler/bounds.ts';
import { decisionProgram } from '../../../src/compiler/decision.ts';
import { anniversaryDays, dateIntervals } from '../../../src/compiler/intervals.ts';
import { numberCode } from '../../../src/index/codes.ts';
import { FLOAT_SCALE } from '../../../src/index/layout.ts';

const SCALES = [FLOAT_SCALE, 0, 2, 5, 22];
const double = fc.double({ noNaN: true, noDefaultInfinity: true });

describe('the codes of an interval of numbers', () => {
  it('are those of the values in it, exactly, however near', () => {
    const money = fc.integer({ min: -100_000, max: 100_000 }).map((cents) => cents / 100);
    const near = money.map((value) => value * (1 + 2 ** -52));
    const any = fc.oneof(double, money, near, fc.constantFrom(0, -0, 1.005, 1e308, -1e308, 2 ** 53, 5e-324));
    fc.assert(
      fc.property(any, any, fc.boolean(), fc.constantFrom(...SCALES), (value, bound, inside, scale) => {
        const code = numberCode(value, scale);
        if (code === undefined) return;
        const above = codeRange({ low: { value: bound, inside }, high: null }, { scale });
        expect(code >= above.low && code <= above.high).toBe(inside ? value >= bound : value > bound);
        const below = codeRange({ low: null, high: { value: bound, inside } }, { scale });
        expect(code >= below.low && code <= below.high).toBe(inside ? value <= bound : value < bound);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('the codes of an interval of time', () => {
  it('are the multiples of the unit in it', () => {
    const at = (value: number, inside: boolean) => ({ value, inside });
    expect(dateCodeRange({ low: at(1, true), high: at(2001, true) }, 1000)).toEqual({ low: 1n, high: 2n });
    expect(dateCodeRange({ low: at(1000, false), high: at(2000, false) }, 1000)).toEqual({ low: 2n, high: 1n });
    expect(dateCodeRange({ low: at(-1, true), high: at(-1, false) }, 1000)).toEqual({ low: 0n, high: -1n });
  });

  it('of numbers are seconds below 1e11 and milliseconds from there', () => {
    const [seconds, ms] = dateIntervals({ low: { value: 5e9, inside: true }, high: null });
    expect(seconds).toEqual({ low: { value: 5e6, inside: true }, high: { value: 1e11, inside: false } });
    expect(ms).toEqual({ low: { value: 1e11, inside: true }, high: { value: 8.64e15, inside: true } });
  });
});

describe('a decision program', () => {
  const run = (program: readonly number[], code: bigint, present = true): boolean => {
    const registers: boolean[] = [];
    const value = (register: number): boolean => (register < 0 ? register === -2 : (registers[register] as boolean));
    const magnitude = code < 0n ? -code : code;
    for (let i = 0; i < program.length; i += 3) {
      const slice = program[i] as number;
      const bit = slice === -1 ? present : slice === -2 ? code < 0n : Boolean((magnitude >> BigInt(slice)) & 1n);
      const [low, high] = program.slice(i + 1, i + 3) as [number, number];
      registers.push(high === -3 ? value(low) !== bit : value(bit ? high : low));
    }
    return registers.at(-1) ?? false;
  };

  it('holds for its codes and no other, and not for who has none', () => {
    const codes = fc.uniqueArray(fc.bigInt({ min: -63n, max: 63n }), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(codes, fc.boolean(), (drawn, hasNegative) => {
        const wanted = hasNegative ? drawn : [...new Set(drawn.map((code) => (code < 0n ? -code : code)))];
        const program = decisionProgram(wanted, { width: 6, hasNegative }) ?? [];
        for (let code = hasNegative ? -63n : 0n; code < 64n; code++)
          expect(run(program, code)).toBe(wanted.includes(code));
        expect(run(program, 0n, false)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('shares what codes have in common', () => {
    const even = Array.from({ length: 512 }, (_, i) => BigInt(2 * i));
    expect(decisionProgram(even, { width: 10, hasNegative: false })).toEqual([0, -2, -1, -1, -1, 0]);
    expect(decisionProgram([7n, 5n], { width: 3, hasNegative: false })).toEqual([0, -1, -2, 2, -1, 0]);
  });

  it('asks once where the answers are each other’s opposites', () => {
    expect(decisionProgram([1n, 2n], { width: 2, hasNegative: false })).toEqual([0, -1, -2, 1, 0, -3]);
    const odd = Array.from({ length: 64 }, (_, i) => BigInt(i)).filter(
      (code) => code.toString(2).replaceAll('0', '').length % 2,
    );
    expect(decisionProgram(odd, { width: 6, hasNegative: false })).toHaveLength(3 * 6);
  });
});

describe('the days of an anniversary', () => {
  const DAY = 86_400_000;
  const days = (asOf: string, count: number) =>
    anniversaryDays(
      { type: 'property', property: 'born', operator: 'anniversary', value: { ms: count * DAY } },
      Date.parse(asOf),
    );

  it.each([
    ['2026-03-15T23:59:59.999Z', 0, 74, 74],
    ['2026-03-15T00:00:00Z', 7, 74, 81],
    ['2026-12-31', 1, 365, 0],
    ['2026-01-01', 364, 0, 365],
    // 28 February, alone and as the last day: with the 29th, as 2026 has none
    ['2026-02-28', 0, 58, 59],
    ['2026-02-01', 27, 31, 59],
    ['2026-02-27', 2, 57, 60],
    ['2026-03-01', 0, 60, 60],
    ['2024-02-28', 0, 58, 58],
    ['2024-02-28', 1, 58, 59],
    ['2024-02-29', 0, 59, 59],
    ['1900-02-28', 0, 58, 59],
    ['2000-02-28', 0, 58, 58],
    // a year less a day, from 1 March: to 28 February, or without the 29th
    ['2026-03-01', 364, 60, 59],
    ['2027-03-01', 364, 60, 58],
    ['2026-05-05', 365, 0, 365],
    ['2026-05-05', 30_000, 0, 365],
  ])('from %s for %i days: %i to %i', (asOf, count, first, last) => {
    expect(days(asOf, count)).toEqual({ first, last });
  });
});
