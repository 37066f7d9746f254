import { alternating, both, DAY, HOUR, inHours, inWorkspace, ramp, step, withKind, everything } from '../faults.ts';
import { beginning, type Scenario } from '../scenario.ts';
import { fullWorkspace, incident, oneFault, SLOW } from './faults.ts';

/** Shapes that nobody asked for: what comes out is written down in decision 0032. */
export const EXTRA: readonly Scenario[] = [
  {
    name: 'night',
    title: 'one kind 3×, but only from 22 to 6',
    days: 34,
    limits: { openedHours: 30, rightLater: 0.9, falseAlerts: 0 },
    plan: (_segments, random) => {
      const from = beginning(random);
      return oneFault(withKind(SLOW), SLOW, from, inHours(22, 6, step(from, 3)));
    },
  },
  {
    name: 'plateau',
    title: 'to 1.5× in 24 h, and there it stays',
    days: 38,
    limits: { openedHours: 24, rightAtOpening: 0.9, rightLater: 1, openAtHours: 190, falseAlerts: 0 },
    plan: (_segments, random) => {
      const from = beginning(random);
      return oneFault(withKind(SLOW), SLOW, from, ramp(from, 24 * HOUR, 1.5));
    },
  },
  {
    name: 'alternating',
    title: 'one kind 2.5× for 12 h, then well for 12 h, again and again',
    days: 34,
    limits: { openedHours: 3, rightAtOpening: 0.9, falseAlerts: 4 },
    plan: (_segments, random) => {
      const from = beginning(random);
      return oneFault(withKind(SLOW), SLOW, from, alternating(from, 12 * HOUR, 24 * HOUR, 2.5));
    },
  },
  {
    name: 'large-only',
    title: 'only the largest fifth of the segments, 3×',
    days: 32,
    limits: { openedHours: 24, falseAlerts: 5 },
    plan: (segments, random) => {
      const from = beginning(random);
      const large = [...segments].sort((a, b) => b.population - a.population).slice(0, segments.length / 5);
      const names = new Set(large.map(({ name }) => name));
      return oneFault(({ name }) => names.has(name), 'everything', from, step(from, 3));
    },
  },
  {
    name: 'two-causes',
    title: 'one kind 2.5×, and five hours later one workspace 3×',
    days: 33,
    limits: { openedHours: 1.5, rightAtOpening: 0.9, rightLater: 0.9, falseAlerts: 1 },
    plan: (segments, random) => {
      const from = beginning(random);
      const workspace = fullWorkspace(segments, random);
      const first = oneFault(withKind(SLOW), SLOW, from, step(from, 2.5));
      const second = oneFault(inWorkspace(workspace), workspace, from, step(from + 5 * HOUR, 3));
      return { faults: [...first.faults, ...second.faults], truth: first.truth };
    },
  },
  {
    name: 'kind-in-workspace',
    title: 'a common kind 3×, in one workspace only',
    days: 33,
    limits: { openedHours: 24, falseAlerts: 0 },
    plan: (segments, random) => {
      const [from, workspace] = [beginning(random), fullWorkspace(segments, random)];
      const kind = 'property.equals';
      return oneFault(both(withKind(kind), inWorkspace(workspace)), `${kind} in ${workspace}`, from, step(from, 3));
    },
  },
  {
    name: 'ramp-everything',
    title: '1→3× over 72 h of everything',
    days: 33,
    limits: { openedHours: 18, criticalHours: 42, rightAtOpening: 0.9, rightLater: 1, falseAlerts: 0 },
    plan: (_segments, random) => {
      const from = beginning(random);
      return oneFault(everything, 'everything', from, ramp(from, 72 * HOUR, 3));
    },
  },
  {
    name: 'ramp-short-history',
    title: 'the incident after 14 days of history',
    days: 22,
    limits: { openedHours: 14, rightLater: 0.9, openAtHours: 144, falseAlerts: 0 },
    plan: incident(14 * DAY),
  },
  {
    name: 'ramp-21-days',
    title: 'the incident after 21 days of history',
    days: 29,
    limits: { openedHours: 12, criticalHours: 27, rightLater: 1, openAtHours: 144, resolvedHours: 4, falseAlerts: 0 },
    plan: incident(21 * DAY),
  },
  {
    name: 'mended-early',
    title: '1→4× over 72 h, mended after 40 h',
    days: 32,
    limits: { openedHours: 12, criticalHours: 27, rightLater: 1, resolvedHours: 4, falseAlerts: 0 },
    plan: (_segments, random) => {
      const from = beginning(random);
      return oneFault(withKind(SLOW), SLOW, from, ramp(from, 72 * HOUR, 4), from + 40 * HOUR);
    },
  },
];
