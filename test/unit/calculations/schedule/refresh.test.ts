import { AUTO_DATA_MS, planOf, readRefresh } from '../../../../src/calculations/schedule/refresh.ts';
import type { ExpandedCondition } from '../../../../src/conditions/types.ts';

const within = (ms: number): ExpandedCondition => ({
  type: 'event',
  event: 'e',
  count: { low: 1, high: null },
  within: { last: { ms } },
});
const NOTHING: ExpandedCondition = { type: 'all', of: [] };
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

test.each([['auto'], [null], [{ every: { hours: 1 } }], [{ every: { minutes: 1 } }], [{ every: { weeks: 52 } }]])(
  '%j is read as it is',
  (refresh) => {
    expect(readRefresh(refresh)).toEqual(refresh);
  },
);

test.each([
  ['hourly', 'refresh'],
  [60, 'refresh'],
  [[], 'refresh'],
  [{}, 'refresh.every'],
  [{ every: 'hour' }, 'refresh.every'],
  [{ every: {} }, 'refresh.every'],
  [{ every: { hours: 1, days: 1 } }, 'refresh.every'],
  [{ every: { seconds: 5 } }, 'refresh.every'],
  [{ every: { hours: 0 } }, 'refresh.every.hours'],
  [{ every: { hours: 1.5 } }, 'refresh.every.hours'],
  [{ every: { hours: '1' } }, 'refresh.every.hours'],
  [{ every: { weeks: 53 } }, 'refresh.every.weeks'],
  [{ evry: { hours: 1 } }, 'refresh.evry'],
])('%j is refused', (refresh, path) => {
  expect(() => readRefresh(refresh)).toThrow(expect.objectContaining({ status: 422, path }));
});

test('every: what was asked for, whatever the condition', () => {
  for (const condition of [NOTHING, within(DAY_MS)])
    expect(planOf({ every: { hours: 2 } }, condition)).toEqual({ intervalMs: 2 * HOUR_MS, dataOnly: false });
});

test.each([
  [within(MINUTE_MS), MINUTE_MS, false],
  [within(3 * HOUR_MS), 10 * MINUTE_MS, false],
  [within(30 * DAY_MS), HOUR_MS, false],
  [within(14 * DAY_MS), 6 * HOUR_MS, false],
  [NOTHING, AUTO_DATA_MS, true],
])('auto, of %j', (condition, intervalMs, dataOnly) => {
  expect(planOf('auto', condition)).toEqual({ intervalMs, dataOnly });
});
