import fc from 'fast-check';
import { FAILURE_MAX_MS, MAX_REFRESH_MS, MIN_REFRESH_MS } from '../../../../src/calculations/limits.ts';
import { failureDelayMs, nextDue } from '../../../../src/calculations/schedule/times.ts';

const HOUR_MS = 3_600_000;
const now = fc.integer({ min: 1_700_000_000_000, max: 2_000_000_000_000 });
const interval = fc.integer({ min: MIN_REFRESH_MS / 60_000, max: MAX_REFRESH_MS / 60_000 }).map((m) => m * 60_000);
const id = fc.integer({ min: 1, max: 2 ** 31 - 1 });

test('the next time comes within one interval, always at the same places of the clock', () => {
  fc.assert(
    fc.property(now, interval, id, fc.integer({ min: 0, max: 1_000 }), (at, intervalMs, segmentId, missed) => {
      const next = nextDue(at, intervalMs, segmentId);
      expect(next).toBeGreaterThan(at);
      expect(next - at).toBeLessThanOrEqual(intervalMs);
      // seen when it was due, or after downtime: the grid stays, and what was missed is caught up with by one look
      expect(nextDue(next, intervalMs, segmentId)).toBe(next + intervalMs);
      expect((nextDue(at + missed * intervalMs + 7, intervalMs, segmentId) - next) % intervalMs).toBe(0);
    }),
  );
});

test('segments of one interval are spread over it', () => {
  const SEGMENTS = 1_000;
  const at = Date.UTC(2026, 0, 1);
  const minutes = new Map<number, number>();
  for (let segment = 1; segment <= SEGMENTS; segment += 1) {
    const minute = Math.floor((nextDue(at, HOUR_MS, segment) - at) / 60_000);
    minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
  }
  expect(Math.max(...minutes.values())).toBeLessThan((2 * SEGMENTS) / 60);
});

test('after failures it rests longer each time, never longer than an hour or its own interval', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), interval, (failures, intervalMs) => {
      const delay = failureDelayMs(failures, intervalMs);
      expect(delay).toBeGreaterThanOrEqual(MIN_REFRESH_MS);
      expect(delay).toBeLessThanOrEqual(Math.max(FAILURE_MAX_MS, intervalMs));
      expect(failureDelayMs(failures + 1, intervalMs)).toBeGreaterThanOrEqual(delay);
    }),
  );
  expect([1, 2, 3, 9].map((failures) => failureDelayMs(failures, 60_000) / 60_000)).toEqual([2, 4, 8, 60]);
});
