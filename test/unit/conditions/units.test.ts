import fc from 'fast-check';
import { smallestUnit, TIME_UNITS, UNIT_MS, unitOf } from '../../../src/conditions/units.ts';
import { expandSegments, parseCondition } from '../../../src/conditions/index.ts';

const unitIn = (json: unknown, segments: Record<string, unknown> = {}) =>
  smallestUnit(
    expandSegments(parseCondition(json), (key) =>
      segments[key] === undefined ? undefined : parseCondition(segments[key]),
    ),
  );
const date = (operator: string, value: unknown) => ({ type: 'property', property: 'd', operator, value });
const event = (within?: unknown) => ({ type: 'event', event: 'e', ...(within === undefined ? {} : { within }) });

test.each([
  [{ minutes: 90 }, 'minutes'],
  [{ minutes: 120 }, 'hours'],
  [{ hours: 24 }, 'days'],
  [{ days: 30 }, 'days'],
  [{ days: 14 }, 'weeks'],
  [{ weeks: 2 }, 'weeks'],
])('%j is written in %s', (last, unit) => {
  expect(unitIn(event({ last }))).toBe(unit);
  expect(unitIn(date('within_last', last))).toBe(unit);
  expect(unitIn(date('within_next', last))).toBe(unit);
  expect(unitIn(date('not_within_last', last))).toBe(unit);
});

test.each([
  { type: 'all', of: [] },
  { type: 'property', property: 'd', operator: 'is_set' },
  { type: 'sample', percent: 10, seed: 's' },
  date('before', '2026-01-31'),
  date('on', '2099-01-31'),
  event(),
  event({ from: '2026-01-01', to: '2099-01-01' }),
])('%j has no unit of time', (json) => {
  expect(unitIn(json)).toBeUndefined();
});

test('the smallest of all leaves counts, also of those of the segments that are named, however deep', () => {
  const segments = { a: event({ last: { hours: 5 } }), b: { type: 'not', of: { type: 'segment', segment: 'a' } } };
  const json = { type: 'any', of: [date('within_last', { days: 3 }), { type: 'segment', segment: 'b' }] };
  expect(unitIn(json, segments)).toBe('hours');
});

test('a duration is a whole number of its unit, and of no larger one', () => {
  fc.assert(
    fc.property(fc.constantFrom(...TIME_UNITS), fc.integer({ min: 1, max: 5_000 }), (unit, count) => {
      const ms = count * UNIT_MS[unit];
      const found = unitOf({ ms });
      expect(ms % UNIT_MS[found]).toBe(0);
      expect(TIME_UNITS.indexOf(found)).toBeGreaterThanOrEqual(TIME_UNITS.indexOf(unit));
      for (const larger of TIME_UNITS.slice(TIME_UNITS.indexOf(found) + 1)) expect(ms % UNIT_MS[larger]).not.toBe(0);
    }),
  );
});
