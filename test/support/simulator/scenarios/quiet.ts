import { DAY, everything, HOUR, named, step } from '../faults.ts';
import { shuffled } from '../random.ts';
import { HISTORY, type Limits, type Scenario } from '../scenario.ts';

const NOTHING: Limits = { falseAlerts: 0, sliceDays: 2_000 };

/** The days of a scenario that something happens on: a third of those after the history. */
const someDays = (random: () => number, days: number): ReadonlySet<number> =>
  new Set(Array.from({ length: days }, (_, day) => day).filter((day) => day >= HISTORY / DAY - 7 && random() < 0.33));

export const QUIET: readonly Scenario[] = [
  { name: 'quiet', title: 'quiet weeks', days: 42, limits: NOTHING, plan: () => ({}) },
  { name: 'quiet-noisy', title: 'quiet weeks with σ 0.8', days: 42, sigma: 0.8, limits: NOTHING, plan: () => ({}) },
  {
    name: 'growth',
    title: 'data growing 3× in 60 days',
    days: 60,
    growth: 3 ** (1 / 60) - 1,
    limits: NOTHING,
    plan: () => ({}),
  },
  {
    name: 'heavy-days',
    title: 'heavy segments 4× as often on some days',
    days: 42,
    limits: { ...NOTHING, plainFails: 0.8 },
    plan: (segments, random) => {
      const heavy = [...segments].sort((a, b) => b.lnMs - a.lnMs).slice(0, segments.length * 0.1);
      const names = new Set(heavy.map(({ name }) => name));
      const days = someDays(random, 42);
      return {
        mixes: [{ who: ({ name }) => names.has(name), course: (at) => (days.has(Math.floor(at / DAY)) ? 4 : 1) }],
      };
    },
  },
  {
    name: 'newsletter-mornings',
    title: 'newsletter mornings: some segments 8× as often from seven to nine',
    days: 42,
    limits: NOTHING,
    plan: (segments, random) => {
      const names = new Set(
        shuffled(random, segments)
          .slice(0, segments.length * 0.15)
          .map(({ name }) => name),
      );
      const days = someDays(random, 42);
      const morning = (at: number): boolean => (at % DAY) / HOUR >= 7 && (at % DAY) / HOUR < 9;
      return {
        mixes: [
          {
            who: ({ name }) => names.has(name),
            course: (at) => (morning(at) && days.has(Math.floor(at / DAY)) ? 8 : 1),
          },
        ],
      };
    },
  },
  {
    name: 'gap',
    title: 'a gap of 3 days',
    days: 38,
    limits: NOTHING,
    plan: () => ({ gaps: [[HISTORY + 9 * HOUR, HISTORY + 3 * DAY + 9 * HOUR]] }),
  },
  {
    name: 'storm',
    title: 'a storm of outliers, 12 % of all for 2 h',
    days: 32,
    limits: { ...NOTHING, outliersAllowed: true },
    plan: (_segments, random) => {
      const from = HISTORY + Math.floor(random() * DAY);
      return { storms: [{ who: everything, from, until: from + 2 * HOUR, share: 0.12 }] };
    },
  },
  {
    name: 'deploy',
    title: 'a deploy makes everything 2× faster, 12 days later it is back to old',
    days: 48,
    limits: { falseAlerts: Number.POSITIVE_INFINITY, noCritical: true },
    plan: () => ({
      faults: [{ who: everything, course: (at) => (at >= HISTORY && at < HISTORY + 12 * DAY ? 0.5 : 1) }],
    }),
  },
  {
    name: 'new-segments',
    title: 'segments arrive that take 3× what their kinds do, others are edited to take 3×',
    days: 42,
    limits: NOTHING,
    plan: (segments, random) => {
      const order = shuffled(random, segments).map(({ name }) => name);
      const [fresh, edited] = [order.slice(0, 24), order.slice(24, 48)];
      const arrivals = fresh.map((name, n) => ({ who: named(name), from: HISTORY + n * 6 * HOUR }));
      return {
        faults: fresh.map((name) => ({ who: named(name), course: step(0, 3) })),
        arrivals,
        edits: edited.map((name, n) => ({ who: named(name), from: HISTORY + n * 5 * HOUR, factor: 3 })),
      };
    },
  },
];
