import type { Truth } from './scenario.ts';
import { loadOf, play, type Scenario } from './scenario.ts';
import { HOUR } from './faults.ts';
import { firedBetween } from './plain-rule.ts';
import { BEGIN } from './stream.ts';
import { reachedAt, scopeAt, scopeText, watch, type Watched, type WatchedAlert } from './watch.ts';

/** The alert says itself: whether the scope is right is judged when it opens and this much later. */
const LATER_HOURS = 6;

/** What came out of one seed of a scenario. Hours count from the truth's beginning. */
export interface Verdict {
  readonly seed: number;
  readonly opened?: { readonly hours: number; readonly ratio: number; readonly scope: string };
  readonly critical?: { readonly hours: number; readonly ratio: number };
  readonly rightAtOpening: boolean;
  readonly rightLater: boolean;
  /** How long it was open from the truth's beginning; infinite: it still is. */
  readonly openForHours: number;
  readonly resolvedHours?: number;
  readonly peakShare: number;
  /** Alerts that are none of the truth's, in words. */
  readonly others: readonly string[];
  readonly outliers: number;
  readonly anyCritical: boolean;
  readonly sliceDays: number;
  readonly calculations: number;
  readonly elapsedMs: number;
  /** The plain rule: whether it fired in time, and how often it did before there was anything. */
  readonly plain: { readonly inTime: boolean; readonly before: number };
  /** The limits that it broke, but for those about shares of the seeds. */
  readonly faults: readonly string[];
}

const said = (alert: WatchedAlert): string => {
  const at = (ms: number): string => `day ${((ms - BEGIN) / (24 * HOUR)).toFixed(2)}`;
  const scopes = alert.scopes.map(({ scope }) => scopeText(scope)).join(' → ');
  const until = alert.resolvedAt === null ? 'open' : at(alert.resolvedAt);
  return `${alert.severity} (${alert.rule}) of ${scopes}, ${at(alert.openedAt)} to ${until}, peak ${alert.peakRatio.toFixed(2)}`;
};

export const judge = (scenario: Scenario, seed: number): Verdict => {
  const { observations, truth } = play(scenario, seed);
  const watched = watch(observations(), { until: BEGIN + scenario.days * 24 * HOUR });
  const verdict = { ...measure(watched, scenario, truth), seed };
  return { ...verdict, faults: brokenLimits(verdict, scenario, truth) };
};

const isSlow = (alert: WatchedAlert): boolean => alert.rule === 'slow' && reachedAt(alert, 'drift') !== undefined;

const measure = (watched: Watched, { limits }: Scenario, truth: Truth | undefined) => {
  const { alerts, plain, sliceDays, observations: calculations, elapsedMs } = watched;
  const from = BEGIN + (truth?.from ?? 0);
  const own = truth && alerts.find((alert) => isSlow(alert) && alert.openedAt >= from);
  const ratioAt = (at: number): number => truth?.course(at - BEGIN) ?? 1;
  const place = (at: number) => ({ hours: (at - from) / HOUR, ratio: ratioAt(at) });
  const openedAt = own && reachedAt(own, 'drift');
  const criticalAt = own && reachedAt(own, 'critical');
  const mendedAt = truth?.mendedAt === undefined ? undefined : BEGIN + truth.mendedAt;
  const others = alerts.filter(
    (alert) => alert !== own && !(limits.outliersAllowed === true && alert.severity === 'outliers'),
  );
  const highest = truth === undefined ? 1 : highestOf(truth, watched.until - BEGIN);
  const inTimeHours = limits.criticalHours ?? limits.openedHours ?? 24;
  return {
    ...(openedAt === undefined ? {} : { opened: { ...place(openedAt), scope: scopeAt(own!, openedAt) } }),
    ...(criticalAt === undefined ? {} : { critical: place(criticalAt) }),
    rightAtOpening: openedAt !== undefined && scopeAt(own!, openedAt) === truth?.scope,
    rightLater: openedAt !== undefined && scopeAt(own!, openedAt + LATER_HOURS * HOUR) === truth?.scope,
    openForHours: !own ? 0 : own.resolvedAt === null ? Number.POSITIVE_INFINITY : (own.resolvedAt - from) / HOUR,
    ...(mendedAt === undefined || own === undefined || own.resolvedAt === null
      ? {}
      : { resolvedHours: (own.resolvedAt - mendedAt) / HOUR }),
    peakShare: (own?.peakRatio ?? 0) / highest,
    others: others.map(said),
    outliers: alerts.filter(({ severity }) => severity === 'outliers').length,
    anyCritical: alerts.some(({ severity }) => severity === 'critical'),
    ...{ sliceDays, calculations, elapsedMs },
    plain: {
      inTime: truth !== undefined && firedBetween(plain.firedAt, from, from + inTimeHours * HOUR).length > 0,
      before: plain.firedAt.filter((at) => truth === undefined || at < from).length,
    },
  };
};

const highestOf = ({ from, course }: Truth, until: number): number => {
  let highest = 1;
  for (let at = from; at <= until; at += HOUR) highest = Math.max(highest, course(at));
  return highest;
};

type Measured = Omit<Verdict, 'faults'>;

const brokenLimits = (verdict: Measured, { limits }: Scenario, truth: Truth | undefined): string[] => {
  const { opened, critical, resolvedHours } = verdict;
  const faults: string[] = [];
  const must = (holds: boolean, fault: string): void => {
    if (!holds) faults.push(fault);
  };
  if (truth !== undefined) {
    must(opened !== undefined, 'nothing was said');
    const { hours = Number.NaN, ratio = Number.NaN } = opened ?? {};
    if (opened !== undefined && limits.openedHours !== undefined)
      must(hours <= limits.openedHours, `said after ${hours.toFixed(1)} h`);
    if (opened !== undefined && limits.openedRatio !== undefined)
      must(ratio <= limits.openedRatio, `said at ${ratio.toFixed(2)}×`);
    if (limits.criticalHours !== undefined)
      must(
        critical !== undefined && critical.hours <= limits.criticalHours,
        critical === undefined ? 'never critical' : `critical after ${critical.hours.toFixed(1)} h`,
      );
    if (limits.criticalRatio !== undefined)
      must(
        critical !== undefined && critical.ratio <= limits.criticalRatio,
        critical === undefined ? 'never critical' : `critical at ${critical.ratio.toFixed(2)}×`,
      );
    if (limits.openAtHours !== undefined)
      must(verdict.openForHours >= limits.openAtHours, `over after ${verdict.openForHours.toFixed(0)} h`);
    if (limits.resolvedHours !== undefined)
      must(
        resolvedHours !== undefined && resolvedHours <= limits.resolvedHours,
        resolvedHours === undefined ? 'not over' : `over ${resolvedHours.toFixed(1)} h after the mend`,
      );
    if (limits.peakShare !== undefined)
      must(verdict.peakShare >= limits.peakShare, `peak at ${(100 * verdict.peakShare).toFixed(0)} % of the truth`);
  }
  must(verdict.others.length <= limits.falseAlerts, `${verdict.others.length} other alerts`);
  if (limits.noCritical === true) must(!verdict.anyCritical, 'a false critical alert');
  if (limits.sliceDays !== undefined) must(verdict.sliceDays >= limits.sliceDays, 'too few slice-days');
  return faults;
};

/** Limits on shares of the seeds. */
export const brokenShares = ({ limits }: Scenario, verdicts: readonly Verdict[]): string[] => {
  const share = (holds: (verdict: Verdict) => boolean): number => verdicts.filter(holds).length / verdicts.length;
  const percent = (value: number): string => `${Math.round(100 * value)} %`;
  const faults: string[] = [];
  const [opening, later] = [share((each) => each.rightAtOpening), share((each) => each.rightLater)];
  if (limits.rightAtOpening !== undefined && opening < limits.rightAtOpening)
    faults.push(`right scope at opening in ${percent(opening)}`);
  if (limits.rightLater !== undefined && later < limits.rightLater)
    faults.push(`right scope ${LATER_HOURS} h later in ${percent(later)}`);
  const plainFailed = share(({ plain }) => !plain.inTime || plain.before > 0);
  if (limits.plainFails !== undefined && plainFailed < limits.plainFails)
    faults.push(`the plain rule failed in ${percent(plainFailed)} only`);
  return faults;
};

/** As a line of a log. */
export const verdictLine = (scenario: Scenario, verdict: Verdict): string => {
  const load = loadOf(verdict.seed).hourSd > 0 ? 'restless' : 'calm';
  const { opened, critical } = verdict;
  const scope =
    opened === undefined ? '' : ` opened ${opened.hours.toFixed(1)} h ${opened.ratio.toFixed(2)}× as ${opened.scope}`;
  const later = critical === undefined ? '' : `, critical ${critical.hours.toFixed(1)} h ${critical.ratio.toFixed(2)}×`;
  const others = verdict.others.map((other) => `\n      ${other}`).join('');
  return `${scenario.name} seed ${verdict.seed} (${load}):${scope}${later}${verdict.rightLater ? '' : ', not right'}; ${verdict.faults.join('; ') || 'well'}${others}`;
};
