import { deserialize, serialize } from 'node:v8';
import { expect, test } from '@jest/globals';
import { seeded } from '../../../../src/demo/random.ts';
import { Detector, type DetectorState } from '../../../../src/monitoring/detector/detector.ts';
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

test('the alert of a segment that is never calculated twenty times in six hours is over when it is mended', () => {
  const [from, until] = [BEGIN + 8 * DAY, BEGIN + 10 * DAY];
  const events = eventsOf(
    new Detector(),
    calculations(13, ({ segment, finishedAt }) =>
      segment === 's5' && finishedAt >= from && finishedAt < until ? 3 : 1,
    ),
  );
  expect(events[0]).toMatchObject({ type: 'opened', alert: { scope: { segment: 's5' } } });
  expect(new Set(events.map(({ alert }) => alert.id)).size).toBe(1);
  expect(events.at(-1)!.type).toBe('resolved');
  expect(events.at(-1)!.alert.resolvedAt! - until).toBeLessThan(DAY);
});

test('an alert that nothing was held of, as earlier versions saved it long after it was mended, ends too', () => {
  const slow = (o: Observation): number =>
    o.segment === 's5' && o.finishedAt >= BEGIN + 8 * DAY && o.finishedAt < BEGIN + 10 * DAY ? 3 : 1;
  const first = new Detector();
  for (const observation of calculations(10, slow)) first.observe(observation);
  const state = deserialize(serialize(first.save())) as DetectorState;
  expect(state.book.open).toHaveLength(1);
  state.book.open[0]!.held = 0.01;
  const detector = new Detector({}, state);
  const later = calculations(13, slow);
  expect(
    eventsOf(
      detector,
      Array.from(later).filter(({ finishedAt }) => finishedAt >= BEGIN + 10 * DAY + 12 * HOUR),
    ).at(-1),
  ).toMatchObject({ type: 'resolved', alert: { scope: { segment: 's5' } } });
  expect(detector.openAlerts()).toEqual([]);
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

const slowKind = ({ kinds, finishedAt }: Observation): number =>
  kinds.includes('property.is_set') && finishedAt >= BEGIN + 5 * DAY ? 2.5 : 1;

test('it goes on from what was saved, at any moment, as if it had never stopped', () => {
  const all = [...calculations(6.5, slowKind)];
  const whole = new Detector();
  const expected = eventsOf(whole, all);
  let detector = new Detector();
  const events: AlertEvent[] = [];
  for (const [n, o] of all.entries()) {
    detector.observe(o);
    if (n % 1_237 !== 0) continue;
    events.push(...detector.takeEvents());
    detector = new Detector({}, deserialize(serialize(detector.save())) as DetectorState);
  }
  events.push(...detector.takeEvents());
  expect(expected.length).toBeGreaterThan(0);
  expect(events).toEqual(expected);
  expect(detector.save()).toEqual(whole.save());
});

test('what an operator accepts is normal from then on, and stays in the history with its reason', () => {
  const detector = new Detector();
  const at = BEGIN + 6 * DAY;
  const [before, after]: [Observation[], Observation[]] = [[], []];
  for (const o of calculations(8, slowKind)) (o.finishedAt < at ? before : after).push(o);
  expect(eventsOf(detector, before).at(-1)!.alert.resolvedAt).toBeNull();
  detector.accept({ scope: { kind: 'property.is_set' }, by: 'ada', reason: 'they read twice the data now', at });
  expect(detector.takeEvents()).toMatchObject([{ type: 'resolved', alert: { scope: { kind: 'property.is_set' } } }]);
  expect(eventsOf(detector, after)).toEqual([]);
  const accepted = detector.baselineHistory().at(-1)!;
  expect(accepted).toMatchObject({ reason: 'accepted', by: 'ada', segments: 12, note: 'they read twice the data now' });
  expect(accepted.change).toBeCloseTo(2.5, 0);
  detector.accept({ scope: { kind: 'no.such' }, by: 'ada', reason: '', at: at + 2 * DAY });
  expect(detector.baselineHistory().at(-1)).toEqual(accepted);
});

test('a kind that only one workspace has is told apart from the workspace', () => {
  const from = BEGIN + 5 * DAY;
  function* withDates(): Generator<Observation> {
    for (const o of calculations(5.5, () => 1)) {
      const dated = o.workspace === 'w1' && Number(o.segment.slice(1)) % 8 === 1;
      yield dated ? { ...o, kinds: ['property.date'], durationMs: o.durationMs * (o.finishedAt >= from ? 20 : 1) } : o;
    }
  }
  const events = eventsOf(new Detector(), withDates());
  expect(new Set(events.map(({ alert }) => alert.id)).size).toBe(1);
  expect(events.at(-1)!.alert).toMatchObject({ scope: { kind: 'property.date' }, severity: 'critical' });
});

test('a segment that is calculated no more is forgotten after memoryDays, and the others are not taken for one another', () => {
  const [gone, slow] = ['s5', 's39'];
  const detector = new Detector({ memoryDays: 30 });
  const history = calculations(34, ({ segment, finishedAt }) =>
    segment === slow && finishedAt >= BEGIN + 28 * DAY ? 6 : 1,
  );
  const before = new Map<string, unknown>();
  const events: AlertEvent[] = [];
  for (const observation of history) {
    const day = (observation.finishedAt - BEGIN) / DAY;
    if (observation.segment === gone && day >= 2) continue;
    detector.observe(observation);
    events.push(...detector.takeEvents());
    if (day === 31)
      for (const { segment, kinds, version } of detector.baselines()) before.set(segment, { kinds, version });
  }
  expect(before.has(gone)).toBe(true);
  const after = detector.baselines();
  expect(after.map(({ segment }) => segment)).not.toContain(gone);
  expect(after).toHaveLength(39);
  for (const { segment, kinds, version, expectedMs } of after) {
    expect({ kinds, version }).toEqual(before.get(segment));
    expect(Math.abs(Math.log(expectedMs / (5 + Number(segment.slice(1)))))).toBeLessThan(0.4);
  }
  expect(events.map(({ type, alert }) => [type, alert.scope.segment])).toContainEqual(['opened', slow]);
  expect(detector.openAlerts()).toMatchObject([{ scope: { segment: slow, workspace: 'w3' } }]);
  expect(new Detector({ memoryDays: 30 }, detector.save()).openAlerts()).toEqual(detector.openAlerts());
});
