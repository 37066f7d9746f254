import { expect, test } from '@jest/globals';
import { Detector } from '../../../../src/monitoring/detector/detector.ts';
import type { Observation, ObservedOutcome } from '../../../../src/monitoring/types.ts';

const MINUTE = 60_000;
const BEGIN = Date.UTC(2026, 0, 5);

const calculation = (minute: number, outcome: ObservedOutcome = 'succeeded'): Observation => ({
  finishedAt: BEGIN + minute * MINUTE,
  workspace: 'w',
  segment: 's',
  version: 1,
  trigger: 'api',
  kinds: ['property.is_set'],
  population: 10,
  durationMs: 5,
  outcome,
});

const told = (detector: Detector): string[] =>
  detector.takeEvents().map(({ type, alert }) => `${type} ${alert.rule} ${alert.severity}`);

test.each(['freshness', 'queue'] as const)(
  '%s: beyond the threshold for ten minutes, until below half of it',
  (kind) => {
    const detector = new Detector();
    const say = (minute: number, value: number): void => detector.signal({ kind, at: BEGIN + minute * MINUTE, value });
    for (const [minute, value] of [
      [0, 90],
      [5, 20],
      [10, 90],
      [15, 70],
      [20, 500],
      [25, 40],
      [30, 20],
    ] as const)
      say(minute, value);
    detector.advance(BEGIN + 35 * MINUTE);
    expect(told(detector)).toEqual([`opened ${kind} warning`, `escalated ${kind} critical`]);
    say(36, 3);
    detector.advance(BEGIN + 40 * MINUTE);
    expect(told(detector)).toEqual([`resolved ${kind} critical`]);
  },
);

test('one late newsletter is told, and is over an hour later', () => {
  const detector = new Detector();
  detector.signal({ kind: 'late', at: BEGIN, value: 1 });
  detector.signal({ kind: 'freshness', at: BEGIN + 5 * MINUTE, value: 0 });
  expect(told(detector)).toEqual(['opened late warning']);
  for (let minute = 5; minute <= 80; minute += 5) detector.advance(BEGIN + minute * MINUTE);
  expect(told(detector)).toEqual(['resolved late warning']);
});

test('failures and timeouts are told of when many calculations have them; what was cancelled is no failure', () => {
  const run = (bad: ObservedOutcome): string[] => {
    const detector = new Detector();
    for (let minute = 0; minute < 60; minute++)
      detector.observe(calculation(minute, minute % 3 === 0 ? bad : 'succeeded'));
    return told(detector);
  };
  expect(run('failed')).toEqual(['opened failures critical']);
  expect(run('timeout')).toEqual(['opened failures critical']);
  expect(run('cancelled')).toEqual([]);
});

test('no data is stale where time passes, and a gap in a history is not', () => {
  const detector = new Detector();
  for (let minute = 0; minute < 60; minute++) detector.observe(calculation(minute));
  detector.observe(calculation(300));
  expect(told(detector)).toEqual([]);
  detector.advance(BEGIN + 400 * MINUTE);
  expect(told(detector)).toEqual([]);
  detector.advance(BEGIN + 700 * MINUTE);
  expect(told(detector)).toEqual(['opened stale warning']);
  detector.observe(calculation(701));
  detector.advance(BEGIN + 706 * MINUTE);
  expect(told(detector)).toEqual(['resolved stale warning']);
});

test('days with nothing but writes and waits make no first baseline', () => {
  const detector = new Detector();
  for (let minute = 0; minute < 5 * 24 * 60; minute += 5)
    detector.signal({ kind: 'freshness', at: BEGIN + minute * MINUTE, value: 1 });
  const day = 5 * 24 * 60;
  for (let minute = 0; minute < 2 * 24 * 60; minute += 5) expect(detector.observe(calculation(day + minute))).toBeNaN();
});
