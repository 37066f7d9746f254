import {
  type Course,
  DAY,
  everything,
  HOUR,
  inWorkspace,
  named,
  ramp,
  step,
  until,
  type Who,
  withKind,
} from '../faults.ts';
import type { Random } from '../random.ts';
import { beginning, type Limits, type Scenario, type Truth } from '../scenario.ts';
import type { SimulatedSegment } from '../world.ts';
import { KINDS } from '../world.ts';

export const SLOW = 'property.is_set';

/** One fault and its truth. */
export const oneFault = (who: Who, scope: string, from: number, course: Course, mendedAt?: number) => {
  const whole = mendedAt === undefined ? course : until(mendedAt, course);
  const truth: Truth = { from, course: whole, scope, ...(mendedAt === undefined ? {} : { mendedAt }) };
  return { faults: [{ who, course: whole }], truth };
};

/** The incident: 1 to 4× in 72 hours, mended in the 144th. */
export const incident = (history?: number) => (_segments: readonly SimulatedSegment[], random: Random) => {
  const from = beginning(random, history);
  return oneFault(withKind(SLOW), SLOW, from, ramp(from, 72 * HOUR, 4), from + 144 * HOUR);
};

const INCIDENT: Limits = {
  ...{ openedHours: 12, openedRatio: 1.6, criticalHours: 27, criticalRatio: 2.4 },
  ...{ rightAtOpening: 0.9, rightLater: 1, openAtHours: 144, resolvedHours: 4, falseAlerts: 0, plainFails: 0.8 },
};

/** One with so many calculations that there is something to see: of the busier half. */
export const busySegment = (segments: readonly SimulatedSegment[], random: Random): SimulatedSegment => {
  const busy = [...segments].sort((a, b) => b.weight - a.weight).slice(0, segments.length / 2);
  return busy[Math.floor(random() * busy.length)]!;
};

export const fullWorkspace = (segments: readonly SimulatedSegment[], random: Random): string => {
  const counts = new Map<string, number>();
  for (const { workspace } of segments) counts.set(workspace, (counts.get(workspace) ?? 0) + 1);
  const full = [...counts].filter(([, count]) => count >= 5).map(([workspace]) => workspace);
  return full[Math.floor(random() * full.length)]!;
};

export const FAULTS: readonly Scenario[] = [
  {
    name: 'ramp',
    title: '1→4× over 72 h on the segments with one kind (15 %)',
    days: 36,
    limits: INCIDENT,
    plan: incident(),
  },
  {
    name: 'ramp-noisy',
    title: 'the same with σ 0.8',
    days: 36,
    sigma: 0.8,
    limits: INCIDENT,
    plan: incident(),
  },
  {
    name: 'ramp-few',
    title: 'the same on 3 % of the segments',
    days: 36,
    world: { kinds: { ...KINDS, [SLOW]: 0.03 } },
    limits: { openedHours: 14, rightAtOpening: 0.9, rightLater: 1, openAtHours: 144, falseAlerts: 0, plainFails: 0.8 },
    plan: incident(),
  },
  {
    name: 'creep',
    title: '1→3× over 21 days',
    days: 56,
    limits: {
      ...{ openedHours: 9 * 24, openedRatio: 1.9, criticalRatio: 2.6, rightAtOpening: 0.9, rightLater: 1 },
      ...{ openAtHours: 26 * 24, peakShare: 0.9, falseAlerts: 0, plainFails: 0.8 },
    },
    plan: (_segments, random) => {
      const from = beginning(random);
      return oneFault(withKind(SLOW), SLOW, from, ramp(from, 21 * DAY, 3));
    },
  },
  {
    name: 'step',
    title: 'a step to 2.5×',
    days: 31,
    limits: { openedHours: 1.5, rightAtOpening: 0.9, rightLater: 1, falseAlerts: 0, plainFails: 0.8 },
    plan: (_segments, random) => {
      const from = beginning(random);
      return oneFault(withKind(SLOW), SLOW, from, step(from, 2.5));
    },
  },
  {
    name: 'sparse-service',
    title: '60 calculations a day of 12 segments, one kind 4×',
    days: 40,
    perDay: 60,
    world: { segments: 12, workspaces: 3, kinds: { ...KINDS, [SLOW]: 0.34 }, weightSpread: 0.3 },
    limits: { openedHours: 48, falseAlerts: 0 },
    plan: (_segments, random) => {
      const from = beginning(random);
      return oneFault(withKind(SLOW), SLOW, from, step(from, 4));
    },
  },
  {
    name: 'sparse-kind',
    title: '60 calculations a day have the kind, 4×',
    days: 32,
    world: { kinds: { ...KINDS, [SLOW]: 0.01 }, weightSpread: 0 },
    limits: { openedHours: 24, rightLater: 0.9, falseAlerts: 0 },
    plan: (_segments, random) => {
      const from = beginning(random);
      return oneFault(withKind(SLOW), SLOW, from, step(from, 4));
    },
  },
  {
    name: 'segment',
    title: 'one segment 6×',
    days: 32,
    limits: { openedHours: 48, rightLater: 0.9, falseAlerts: 0, plainFails: 0.8 },
    plan: (segments, random) => {
      const [from, { name, workspace }] = [beginning(random), busySegment(segments, random)];
      return oneFault(named(name), `${workspace}/${name}`, from, step(from, 6));
    },
  },
  {
    name: 'workspace',
    title: 'one workspace 3.5×',
    days: 31,
    limits: { openedHours: 12, rightLater: 0.9, falseAlerts: 0 },
    plan: (segments, random) => {
      const [from, workspace] = [beginning(random), fullWorkspace(segments, random)];
      return oneFault(inWorkspace(workspace), workspace, from, step(from, 3.5));
    },
  },
  {
    name: 'everything',
    title: 'everything 3× for 6 h',
    days: 31,
    limits: { openedHours: 1.5, rightAtOpening: 0.9, rightLater: 1, resolvedHours: 4, falseAlerts: 0 },
    plan: (_segments, random) => {
      const from = beginning(random);
      return oneFault(everything, 'everything', from, step(from, 3), from + 6 * HOUR);
    },
  },
  {
    name: 'twins',
    title: 'two kinds that always occur together but for a few segments, one of them 1→4×',
    days: 33,
    world: { kinds: { ...KINDS, [SLOW]: 0.12 }, twins: { of: SLOW, with: 'property.array', singles: 5 } },
    limits: { openedHours: 14, rightLater: 0.9, falseAlerts: 0 },
    plan: (_segments, random) => {
      const from = beginning(random);
      return oneFault(withKind(SLOW), SLOW, from, ramp(from, 72 * HOUR, 4));
    },
  },
];
