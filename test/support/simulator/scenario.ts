import { type Course, DAY } from './faults.ts';
import { CALM, PRODUCTION } from './load.ts';
import { between, type Random, streams } from './random.ts';
import { type Simulation, simulate } from './stream.ts';
import { type SimulatedSegment, WORLD, type WorldOptions } from './world.ts';

/** What is really the matter. Times are milliseconds from the beginning of the scenario. */
export interface Truth {
  readonly from: number;
  /** × in scope. */
  readonly course: Course;
  /** As `scopeText` has it. */
  readonly scope: string;
  readonly mendedAt?: number;
}

/** What must come out. Hours count from the truth's beginning. */
export interface Limits {
  /** An alert is there by then and before the truth has reached this ratio. */
  readonly openedHours?: number;
  readonly openedRatio?: number;
  readonly criticalHours?: number;
  readonly criticalRatio?: number;
  /** The part of the seeds that name the right scope and no other, when it opens and 6 hours later. */
  readonly rightAtOpening?: number;
  readonly rightLater?: number;
  /** It is still open then. */
  readonly openAtHours?: number;
  readonly resolvedHours?: number;
  /** The highest ratio that it knew is at least this part of the truth's highest: nothing was absorbed. */
  readonly peakShare?: number;
  /** Alerts that are none of the truth's. Outliers may be allowed beside them. */
  readonly falseAlerts: number;
  readonly outliersAllowed?: boolean;
  readonly noCritical?: boolean;
  readonly sliceDays?: number;
  /** The plain rule fails: it says nothing in time, or something where nothing is. In at least this part of the seeds. */
  readonly plainFails?: number;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly days: number;
  readonly world?: Partial<WorldOptions>;
  readonly perDay?: number;
  readonly sigma?: number;
  readonly growth?: number;
  readonly limits: Limits;
  /** Not in the issue: tried to see what comes out. */
  readonly extra?: boolean;
  plan(segments: readonly SimulatedSegment[], random: Random): Partial<Simulation> & { readonly truth?: Truth };
}

/** History before anything happens: the reference of a baseline and the week after it. */
export const HISTORY = 28 * DAY;

/** Every other seed has the restless load of a service in use. */
export const loadOf = (seed: number) => (seed % 2 === 0 ? PRODUCTION : CALM);

export const play = (scenario: Scenario, seed: number) => {
  let truth: Truth | undefined;
  const { faults } = streams(seed);
  const outlierShare = between(faults, 0.005, 0.02);
  const simulated = simulate(
    seed,
    {
      world: { ...WORLD, ...scenario.world },
      load: loadOf(seed),
      days: scenario.days,
      perDay: scenario.perDay ?? 6_000,
      sigma: scenario.sigma ?? 0.35,
      outlierShare,
      outlierFactor: [5, 30],
      growth: scenario.growth ?? 0.001,
      ...{ storms: [], mixes: [], arrivals: [], edits: [], gaps: [] },
    },
    (segments, random) => {
      const { truth: told, ...plan } = scenario.plan(segments, random);
      truth = told;
      return plan;
    },
  );
  return { ...simulated, truth };
};

/** A moment of the day after the history, another one for each seed. */
export const beginning = (random: Random, history = HISTORY): number => history + Math.floor(random() * DAY);
