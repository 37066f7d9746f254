import fc from 'fast-check';
import { formatTimestamp } from '../../../src/compiler/time.ts';
import { coverWindow, type Edge } from '../../../src/compiler/windows.ts';
import { PERIOD_DAY, PERIOD_MONTH, PERIOD_OCTAD } from '../../../src/index/layout.ts';

const DAY = 86_400_000;
const at = (text: string): number => Date.parse(text);
const day = (text: string): number => at(text) / DAY;

describe('the cover of a window', () => {
  it('takes months where they lie in it wholly, octads and days beside them, and the rest from the rows', () => {
    expect(coverWindow({ from: at('2026-01-30T06:00Z'), to: at('2026-04-18T09:00Z') })).toEqual({
      leftEdge: { from: at('2026-01-30T06:00Z'), to: at('2026-01-31') },
      periods: [
        { period: PERIOD_DAY, first: day('2026-01-31'), end: day('2026-02-01') },
        { period: PERIOD_MONTH, first: 56 * 12 + 1, end: 56 * 12 + 3 },
        { period: PERIOD_OCTAD, first: (56 * 12 + 3) * 4, end: (56 * 12 + 3) * 4 + 2 },
        { period: PERIOD_DAY, first: day('2026-04-17'), end: day('2026-04-18') },
      ],
      rightEdge: { from: at('2026-04-18'), to: at('2026-04-18T09:00Z') },
    });
  });

  it('takes the last octad to the end of the month, however long that is', () => {
    expect(coverWindow({ from: at('2026-01-24'), to: at('2026-02-20') })?.periods).toEqual([
      { period: PERIOD_DAY, first: day('2026-01-24'), end: day('2026-01-25') },
      { period: PERIOD_OCTAD, first: 56 * 12 * 4 + 3, end: (56 * 12 + 1) * 4 + 2 },
      { period: PERIOD_DAY, first: day('2026-02-17'), end: day('2026-02-20') },
    ]);
  });

  it('starts before every month where the window has no beginning', () => {
    const cover = coverWindow({ from: null, to: at('2026-04-02') });
    expect(cover).toMatchObject({ leftEdge: null, rightEdge: null });
    expect(cover?.periods).toEqual([
      { period: PERIOD_MONTH, first: expect.any(Number), end: 56 * 12 + 3 },
      { period: PERIOD_DAY, first: day('2026-04-01'), end: day('2026-04-02') },
    ]);
    expect(cover?.periods[0]?.first).toBeLessThan(-100_000);
  });

  it('is one edge within a day, and nothing where it is empty', () => {
    expect(coverWindow({ from: 5, to: 7 })).toMatchObject({ leftEdge: { from: 5, to: 7 }, rightEdge: null });
    expect(coverWindow({ from: 0, to: 7 })).toMatchObject({ leftEdge: null, rightEdge: { from: 0, to: 7 } });
    expect(coverWindow({ from: 7, to: 7 })).toBeNull();
    expect(coverWindow({ from: null, to: 0 })).toMatchObject({ rightEdge: null });
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
      const octad = month * 4 + Math.min(Math.floor((date.getUTCDate() - 1) / 8), 3);
      const numbers = new Map([
        [PERIOD_DAY, Math.floor(ms / DAY)],
        [PERIOD_MONTH, month],
        [PERIOD_OCTAD, octad],
      ]);
      const periods = cover.periods.filter(({ period, first, end }) => {
        const number = numbers.get(period) as number;
        return number >= first && number < end;
      });
      return periods.length + Number(edge(cover.leftEdge)) + Number(edge(cover.rightEdge));
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
