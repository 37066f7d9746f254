import { describe, expect, it } from '@jest/globals';
import type { Observation } from '../../../src/monitoring/types.ts';
import { DAY, HOUR, MINUTE } from '../../support/simulator/faults.ts';
import { PlainRule } from '../../support/simulator/plain-rule.ts';
import { normal, poisson, streams } from '../../support/simulator/random.ts';
import { play } from '../../support/simulator/scenario.ts';
import { SCENARIOS, scenarioOf } from '../../support/simulator/scenarios/index.ts';
import { BEGIN } from '../../support/simulator/stream.ts';

const SEED = 7;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const spread = (values: readonly number[]): number => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
};
const quiet = (): Observation[] => [...play({ ...scenarioOf('quiet'), days: 14, growth: 0 }, SEED).observations()];

describe('the simulator', () => {
  it('gives the same for the same seed, and something else for another', () => {
    const first = (seed: number): Observation[] => {
      const stream = play(scenarioOf('ramp'), seed).observations();
      return Array.from({ length: 100 }, () => stream.next().value as Observation);
    };
    expect(first(1)).toEqual(first(1));
    expect(first(1)).not.toEqual(first(2));
  });

  it('has as many calculations as it should, in the order of time, with the noise that it should have', () => {
    const all = quiet();
    expect(all.length / 14).toBeGreaterThan(5_700);
    expect(all.length / 14).toBeLessThan(6_300);
    expect(all.every(({ finishedAt }, n) => n === 0 || finishedAt >= all[n - 1]!.finishedAt)).toBe(true);
    expect(new Set(all.map(({ segment }) => segment)).size).toBe(400);
    expect(new Set(all.map(({ workspace }) => workspace)).size).toBe(40);
    expect(new Set(all.flatMap(({ kinds }) => kinds)).size).toBe(10);
    // of the busiest segment: most is the noise, the rest outliers and the rhythm of the day
    const counts = new Map<string, number[]>();
    for (const { segment, durationMs } of all) {
      const known = counts.get(segment) ?? [];
      counts.set(segment, known);
      known.push(Math.log(durationMs));
    }
    const busiest = [...counts.values()].sort((a, b) => b.length - a.length)[0]!;
    const middle = [...busiest].sort((a, b) => a - b).slice(busiest.length * 0.05, busiest.length * 0.95);
    // σ of a normal distribution without its outer twentieths is 0.79 of the whole
    expect(spread(middle) / 0.79).toBeGreaterThan(0.3);
    expect(spread(middle) / 0.79).toBeLessThan(0.42);
  });

  it('makes a fault exactly as large as it says, and leaves everything else as it was', () => {
    const scenario = scenarioOf('ramp');
    const { observations, truth } = play(scenario, SEED);
    const without = play({ ...scenario, plan: () => ({}) }, SEED).observations();
    let [slow, wrong] = [0, 0];
    for (const observation of observations()) {
      const plain = without.next().value as Observation;
      const expected = observation.kinds.includes(truth!.scope) ? truth!.course(observation.finishedAt - BEGIN) : 1;
      if (expected > 3.9) slow += 1;
      const same = observation.finishedAt === plain.finishedAt && observation.segment === plain.segment;
      if (!same || Math.abs(observation.durationMs / plain.durationMs / expected - 1) > 1e-9) wrong += 1;
    }
    expect(slow).toBeGreaterThan(1_000);
    expect(wrong).toBe(0);
  });

  it.each(SCENARIOS.map(({ name }) => name))('%s has something to see and ends when it says', (name) => {
    const scenario = scenarioOf(name);
    const { segments, truth } = play(scenario, SEED);
    expect(segments.length).toBeGreaterThan(10);
    const last = truth?.mendedAt ?? truth?.from ?? 0;
    expect(last).toBeLessThan(scenario.days * DAY);
    if (truth !== undefined) {
      const most = Math.max(...Array.from({ length: 24 * 30 }, (_, hour) => truth.course(truth.from + hour * HOUR)));
      expect(most).toBeGreaterThan(1.3);
      expect(truth.course(truth.from - 1)).toBe(1);
    }
  });
});

describe('random numbers', () => {
  it('are distributed as they are called', () => {
    const { noise } = streams(SEED);
    const normals = Array.from({ length: 20_000 }, () => normal(noise));
    expect(mean(normals)).toBeCloseTo(0, 1);
    expect(spread(normals)).toBeCloseTo(1, 1);
    for (const expected of [3, 200]) {
      const counts = Array.from({ length: 20_000 }, () => poisson(noise, expected));
      expect(mean(counts) / expected).toBeCloseTo(1, 1);
      expect(spread(counts) / Math.sqrt(expected)).toBeCloseTo(1, 1);
    }
  });
});

describe('the plain rule', () => {
  const at = (minute: number, durationMs: number): Observation => ({
    ...{ workspace: 'w', segment: 's', version: 1, trigger: 'api', kinds: [], population: 1, outcome: 'succeeded' },
    finishedAt: BEGIN + minute * MINUTE,
    durationMs,
  });

  it('is the average of the last hour against that of the day before it', () => {
    const { noise } = streams(SEED);
    const all = Array.from({ length: 3 * 24 * 60 }, (_, n) => n)
      .filter(() => noise() < 0.1)
      .map((minute) => at(minute, Math.exp(1.2 * normal(noise))));
    const rule = new PlainRule();
    for (const observation of all) rule.observe(observation);
    // the same, slowly: a minute is judged when it is over
    const average = (from: number, until: number): number =>
      mean(
        all
          .filter(({ finishedAt }) => finishedAt >= BEGIN + from * MINUTE && finishedAt < BEGIN + until * MINUTE)
          .map(({ durationMs }) => durationMs),
      );
    const first = (all[0]!.finishedAt - BEGIN) / MINUTE;
    const last = (all.at(-1)!.finishedAt - BEGIN) / MINUTE;
    const fires: number[] = [];
    let before = false;
    for (let minute = 1; minute <= last; minute += 1) {
      const now = minute - first > 25 * 60 && average(minute - 60, minute) > 2 * average(minute - 25 * 60, minute - 60);
      if (now && !before) fires.push(BEGIN + minute * MINUTE);
      before = now;
    }
    expect(fires.length).toBeGreaterThan(3);
    expect(rule.firedAt).toEqual(fires);
  });
});
