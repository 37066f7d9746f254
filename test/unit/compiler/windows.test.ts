import fc from 'fast-check';
import { formatTimestamp } from '../../../src/compiler/time.ts';
import { coverWindow, type Edge, type Periods } from '../../../src/compiler/windows.ts';

const DAY = 86_400_000;
const at = (text: string): number => Date.parse(text);
const day = (text: string): number => at(text) / DAY;

describe('the cover of a window', () => {
  it('takes months where they lie in it wholly, days beside them, and the rest from the rows', () => {
    expect(coverWindow({ from: at('2026-01-30T06:00Z'), to: at('2026-04-02T09:00Z') })).toEqual({
      leftEdge: { from: at('2026-01-30T06:00Z'), to: at('2026-01-31') },
      leftDays: { first: day('2026-01-31'), end: day('2026-02-01') },
      months: { first: 56 * 12 + 1, end: 56 * 12 + 3 },
      rightDays: { first: day('2026-04-01'), end: day('2026-04-02') },
      rightEdge: { from: at('2026-04-02'), to: at('2026-04-02T09:00Z') },
    });
  });

  it('starts with the smallest month there is where the window has no beginning', () => {
    expect(coverWindow({ from: null, to: at('2026-04-02') })).toEqual({
      leftEdge: null,
      leftDays: null,
      months: { first: null, end: 56 * 12 + 3 },
      rightDays: { first: day('2026-04-01'), end: day('2026-04-02') },
      rightEdge: null,
    });
  });

  it('is one edge within a day, and nothing where it is empty', () => {
    expect(coverWindow({ from: 5, to: 7 })).toMatchObject({ leftEdge: { from: 5, to: 7 }, rightEdge: null });
    expect(coverWindow({ from: 0, to: 7 })).toMatchObject({ leftEdge: null, rightEdge: { from: 0, to: 7 } });
    expect(coverWindow({ from: 7, to: 7 })).toBeNull();
    expect(coverWindow({ from: null, to: 0 })).toMatchObject({ rightEdge: null, rightDays: null });
  });

  it('holds each millisecond of the window once and no other', () => {
    const instant = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
    const near = fc.integer({ min: -200 * DAY, max: 200 * DAY });
    const holds = (ms: number, from: number | null, to: number): number => {
      const cover = coverWindow({ from, to });
      if (!cover) return 0;
      const date = new Date(ms);
      const month = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
      const edge = (part: Edge | null): boolean => part !== null && ms >= part.from && ms < part.to;
      const periods = (part: Periods | null, number: number): boolean =>
        part !== null && (part.first === null || number >= part.first) && number < part.end;
      const dayNumber = Math.floor(ms / DAY);
      return [
        edge(cover.leftEdge),
        edge(cover.rightEdge),
        periods(cover.leftDays, dayNumber),
        periods(cover.rightDays, dayNumber),
        periods(cover.months, month),
      ].filter(Boolean).length;
    };
    fc.assert(
      fc.property(instant, near, near, fc.boolean(), (base, start, length, ever) => {
        const from = base + start;
        const to = from + length;
        for (const ms of [base, from, from - 1, to, to - 1]) {
          const inside = (ever || ms >= from) && ms < to && (ever || from < to);
          expect(holds(ms, ever ? null : from, to)).toBe(inside ? 1 : 0);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('formatTimestamp', () => {
  it.each([
    [at('2026-03-15T10:30:00.001Z'), '2026-03-15T10:30:00.001Z'],
    [-1, '1969-12-31T23:59:59.999Z'],
    [-62_135_596_800_001, '0001-12-31T23:59:59.999Z BC'],
    [253_402_300_800_000, '10000-01-01T00:00:00.000Z'],
    [-8.64e15, '-infinity'],
    [-9e15, '-infinity'],
    [9e15, 'infinity'],
  ])('%d is %s', (ms, text) => {
    expect(formatTimestamp(ms)).toBe(text);
  });
});
