import type { DetectorConfig } from '../../../src/monitoring/detector/config.ts';
import { Detector } from '../../../src/monitoring/detector/detector.ts';
import {
  type AlertEvent,
  type Observation,
  type Rule,
  type Scope,
  SEVERITIES,
  type Severity,
} from '../../../src/monitoring/types.ts';
import { DAY, MINUTE } from './faults.ts';
import { PlainRule } from './plain-rule.ts';

/** An alert and what was said of it when. Times are epoch milliseconds. */
export interface WatchedAlert {
  readonly id: string;
  readonly rule: Rule;
  readonly openedAt: number;
  readonly resolvedAt: number | null;
  readonly onset: number;
  readonly openedAs: Severity;
  readonly severity: Severity;
  readonly escalations: readonly { readonly at: number; readonly severity: Severity }[];
  /** From when on it had which scope. */
  readonly scopes: readonly { readonly at: number; readonly scope: Scope }[];
  readonly peakRatio: number;
  readonly summaries: readonly string[];
}

export interface Watched {
  readonly alerts: readonly WatchedAlert[];
  readonly plain: PlainRule;
  readonly observations: number;
  /** Slices that were there, summed over the days: all, workspaces, kinds, segments. */
  readonly sliceDays: number;
  readonly elapsedMs: number;
  readonly detector: Detector;
  /** The time that the detector was told last. */
  readonly until: number;
}

/** Events are fetched this often. */
const FETCH = 5 * MINUTE;

/** Replays a stream as a backtest does: time passes with the observations, and a gap is no silence. */
export const watch = (
  observations: Iterable<Observation>,
  { config, until }: { readonly config?: Partial<DetectorConfig>; readonly until?: number } = {},
): Watched => {
  const detector = new Detector(config);
  const plain = new PlainRule();
  const alerts = new Map<string, WatchedAlert>();
  const slices = new SliceDays();
  let count = 0;
  let fetchAt = Number.NEGATIVE_INFINITY;
  let last = 0;
  const began = performance.now();
  for (const observation of observations) {
    const { finishedAt } = observation;
    if (finishedAt >= fetchAt) {
      note(alerts, detector.takeEvents());
      fetchAt = finishedAt + FETCH;
    }
    last = finishedAt;
    detector.observe(observation);
    plain.observe(observation);
    slices.take(observation);
    count += 1;
  }
  const endsAt = until ?? last;
  detector.advance(endsAt);
  note(alerts, detector.takeEvents());
  note(
    alerts,
    detector.openAlerts().map((alert) => ({ type: 'changed', at: endsAt, alert })),
  );
  const elapsedMs = performance.now() - began;
  return {
    ...{ alerts: [...alerts.values()], plain, elapsedMs, detector, until: endsAt },
    ...{ observations: count, sliceDays: slices.count },
  };
};

const note = (alerts: Map<string, WatchedAlert>, events: readonly AlertEvent[]): void => {
  for (const { at, alert } of events) {
    const before = alerts.get(alert.id);
    const { id, rule, openedAt, resolvedAt, onset, severity, escalations, scope, peakRatio, summary } = alert;
    const last = before?.scopes.at(-1)?.scope;
    const scopes =
      before === undefined || last === undefined || scopeText(last) !== scopeText(scope)
        ? [...(before?.scopes ?? []), { at, scope }]
        : before.scopes;
    const summaries = [...(before?.summaries ?? []), summary];
    const openedAs = before?.openedAs ?? severity;
    alerts.set(id, {
      ...{ id, rule, openedAt, resolvedAt, onset, openedAs, severity, escalations },
      ...{ scopes, peakRatio, summaries },
    });
  }
};

export const scopeText = ({ kind, workspace, segment }: Scope): string =>
  [
    ...(kind === undefined ? [] : [kind]),
    ...(segment === undefined ? (workspace === undefined ? [] : [workspace]) : [`${workspace}/${segment}`]),
  ].join(' in ') || 'everything';

/** The scope that an alert had at `at`. */
export const scopeAt = ({ scopes }: WatchedAlert, at: number): string =>
  scopeText((scopes.findLast((each) => each.at <= at) ?? scopes[0]!).scope);

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);

/** When it reached a severity or a higher one, or undefined. */
export const reachedAt = ({ escalations, openedAt, openedAs }: WatchedAlert, wanted: Severity): number | undefined =>
  rank(openedAs) >= rank(wanted) ? openedAt : escalations.find(({ severity }) => rank(severity) >= rank(wanted))?.at;

class SliceDays {
  count = 0;
  #day = -1;
  #seen = new Set<string>();

  take({ finishedAt, workspace, segment, kinds }: Observation): void {
    const day = Math.floor(finishedAt / DAY);
    if (day !== this.#day) {
      this.#day = day;
      this.#seen = new Set();
      this.count += 1;
    }
    const before = this.#seen.size;
    this.#seen.add(workspace).add(`${workspace}/${segment}`);
    for (const kind of kinds) this.#seen.add(kind);
    this.count += this.#seen.size - before;
  }
}
