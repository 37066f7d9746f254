import { expect, test } from '@jest/globals';
import { seeded } from '../../../../src/demo/random.ts';
import { Detector } from '../../../../src/monitoring/detector/detector.ts';
import type { AlertEvent, Observation } from '../../../../src/monitoring/types.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const BEGIN = Date.UTC(2026, 0, 5);

const KINDS = [['property.equals'], ['property.is_set'], ['event.count', 'property.equals'], ['event.count']];

/** Forty segments in four workspaces, each every half hour; `slower` gives × normal. */
function* calculations(days: number, slower: (o: Observation) => number): Generator<Observation> {
  const random = seeded(7);
  for (let at = 0; at < days * DAY; at += 45_000) {
    const n = Math.floor((at / 45_000) % 40);
    const noise = Math.exp(0.3 * (random() + random() + random() - 1.5) * 2);
    const o: Observation = {
      finishedAt: BEGIN + at,
      workspace: `w${n % 4}`,
      segment: `s${n}`,
      version: 1,
      trigger: 'schedule',
      kinds: KINDS[Math.floor(n / 4) % 4]!,
      population: 10_000 * ((n % 4) + 1),
      durationMs: (5 + n) * noise,
      outcome: 'succeeded',
    };
    yield { ...o, durationMs: o.durationMs * slower(o) };
  }
}

const eventsOf = (detector: Detector, observations: Iterable<Observation>): AlertEvent[] => {
  for (const observation of observations) detector.observe(observation);
  return detector.takeEvents();
};

test('nothing is said of a history in which nothing happens', () => {
  const detector = new Detector();
  expect(
    eventsOf(
      detector,
      calculations(12, () => 1),
    ),
  ).toEqual([]);
  expect(detector.baselines()).toHaveLength(40);
});

test('one alert for the kind that is slow, which escalates and is over when the kind is mended', () => {
  const [from, until] = [BEGIN + 8 * DAY, BEGIN + 9 * DAY];
  const events = eventsOf(
    new Detector(),
    calculations(11, ({ kinds, finishedAt }) =>
      kinds.includes('property.is_set') && finishedAt >= from && finishedAt < until ? 3 : 1,
    ),
  );
  expect(new Set(events.map(({ alert }) => alert.id)).size).toBe(1);
  const [opened, resolved] = [events[0]!.alert, events.at(-1)!.alert];
  expect(opened.scope).toEqual({ kind: 'property.is_set' });
  expect(opened.openedAt - from).toBeLessThan(1.5 * HOUR);
  expect(resolved).toMatchObject({ severity: 'critical', affectedSegments: 12, unaffectedSegments: 28, onset: from });
  expect(resolved.peakRatio).toBeGreaterThan(2.7);
  expect(resolved.resolvedAt! - until).toBeLessThan(4 * HOUR);
});

test('residuals are logs of × normal, and NaN until there is a baseline', () => {
  const detector = new Detector();
  const residuals = [...calculations(6, ({ finishedAt }) => (finishedAt > BEGIN + 5 * DAY ? 2 : 1))].map((o) =>
    detector.observe(o),
  );
  expect(residuals[1_000]).toBeNaN();
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(mean(residuals.slice(8_000, 9_500))).toBeCloseTo(0, 1);
  expect(mean(residuals.slice(9_650, 9_800))).toBeCloseTo(Math.log(2), 1);
});
