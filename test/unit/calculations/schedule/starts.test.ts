import fc from 'fast-check';
import { lateRisk, latestStart, START_FLOOR_MS, type Waiting } from '../../../../src/calculations/schedule/starts.ts';

const DEADLINE = 1_800_000_000_000;
const high = fc.integer({ min: 1, max: 120_000 });
const waiting = fc.array(
  fc.record({ deadlineMs: fc.integer({ min: DEADLINE - 3_600_000, max: DEADLINE + 3_600_000 }), highMs: high }),
  { maxLength: 30 },
);
const threads = fc.integer({ min: 1, max: 8 });

test('alone it starts so long before its deadline as it takes at most, and the floor', () => {
  expect(latestStart(DEADLINE, 500, [], 2)).toEqual({ startMs: DEADLINE - START_FLOOR_MS - 500, aheadMs: 0 });
});

test('what is due before it and would still be running puts it forward; what is due long before or later does not', () => {
  const at = (beforeMs: number, highMs = 1_000): Waiting => ({ deadlineMs: DEADLINE - beforeMs, highMs });
  expect(latestStart(DEADLINE, 500, [at(0), at(1_000)], 1).aheadMs).toBe(2_000);
  expect(latestStart(DEADLINE, 500, [at(0), at(1_000)], 2).aheadMs).toBe(1_000);
  expect(latestStart(DEADLINE, 500, [at(60_000), at(-1)], 1).aheadMs).toBe(0);
  // one after the other: the second matters only because of the first
  expect(latestStart(DEADLINE, 500, [at(2_000, 5_000), at(7_000)], 1).aheadMs).toBe(6_000);
});

test('started then, all that is due by its deadline is done in time by one thread, in the order of deadlines', () => {
  fc.assert(
    fc.property(high, waiting, (highMs, others) => {
      const { startMs, aheadMs } = latestStart(DEADLINE, highMs, others, 1);
      expect(startMs + aheadMs + highMs + START_FLOOR_MS).toBe(DEADLINE);
      const before = others.filter((each) => each.deadlineMs <= DEADLINE && each.deadlineMs > startMs);
      const workMs = before.reduce((sum, each) => sum + each.highMs, 0);
      expect(startMs + workMs + highMs).toBeLessThanOrEqual(DEADLINE);
    }),
  );
});

test('more work before it never lets it start later, more threads never earlier', () => {
  fc.assert(
    fc.property(
      high,
      waiting,
      fc.record({ deadlineMs: fc.constant(DEADLINE - 10), highMs: high }),
      threads,
      (h, others, one, n) => {
        const { startMs } = latestStart(DEADLINE, h, others, n);
        expect(latestStart(DEADLINE, h, [...others, one], n).startMs).toBeLessThanOrEqual(startMs);
        expect(latestStart(DEADLINE, h, others, n + 1).startMs).toBeGreaterThanOrEqual(startMs);
      },
    ),
  );
});

test('the risk is that of a log-normal time: a half at the expected one, a twentieth at the high one', () => {
  expect(lateRisk(100, 100, 300)).toBe(0.5);
  expect(lateRisk(300, 100, 300)).toBe(0.05);
  expect(lateRisk(0, 100, 300)).toBe(1);
  expect(lateRisk(-5, 100, 300)).toBe(1);
  expect(lateRisk(START_FLOOR_MS + 300, 100, 300)).toBe(0);
});

test('the risk lies in 0 to 1, falls with the time that is left and rises with what is expected', () => {
  const ms = fc.double({ min: 0.1, max: 1e7, noNaN: true });
  fc.assert(
    fc.property(ms, ms, fc.double({ min: 1, max: 100, noNaN: true }), (left, expected, spread) => {
      const risk = lateRisk(left, expected, expected * spread);
      expect(risk).toBeGreaterThanOrEqual(0);
      expect(risk).toBeLessThanOrEqual(1);
      expect(lateRisk(left * 2, expected, expected * spread)).toBeLessThanOrEqual(risk);
      expect(lateRisk(left, expected * 2, expected * 2 * spread)).toBeGreaterThanOrEqual(risk);
    }),
  );
});
