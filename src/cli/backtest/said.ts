import type { Alert, AlertEvent } from '../../monitoring/types.ts';

/** An alert as a backtest tells it. */
export interface Said {
  /** The alert as it was last said: its end, its severity, its peak and its escalations. */
  readonly alert: Alert;
  /**
   * The alert when it was opened, escalated or found to have another scope, whichever came last: the figures that fit its severity.
   * When it is over they would be those of a service that is well again.
   */
  readonly figures: Alert;
}

const sameScope = (a: Alert, b: Alert): boolean =>
  a.scope.kind === b.scope.kind && a.scope.workspace === b.scope.workspace && a.scope.segment === b.scope.segment;

/** Gathers what is said of each alert until it is over. */
export class SaidAlerts {
  readonly #open = new Map<string, Said>();

  /** Gives those that are over now, each once. */
  take(events: readonly AlertEvent[]): Said[] {
    const over: Said[] = [];
    for (const { type, alert } of events) {
      const before = this.#open.get(alert.id);
      const kept =
        type === 'resolved' || (type === 'changed' && before !== undefined && sameScope(before.alert, alert));
      const said = { alert, figures: kept ? (before?.figures ?? alert) : alert };
      if (type === 'resolved') {
        this.#open.delete(alert.id);
        over.push(said);
      } else this.#open.set(alert.id, said);
    }
    return over;
  }

  /** Those that are not over, in the order in which they were opened. */
  open(): Said[] {
    return [...this.#open.values()].sort((a, b) => a.alert.openedAt - b.alert.openedAt);
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();
/** Beyond what any reader looks at. */
const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** An alert as a line of `--json`. CONTRACT.md §4, and behind `summary` what else is known. */
export const alertLine = ({ alert, figures }: Said): Record<string, unknown> => ({
  openedAt: iso(alert.openedAt),
  onset: iso(alert.onset),
  resolvedAt: alert.resolvedAt === null ? null : iso(alert.resolvedAt),
  severity: alert.severity,
  escalations: alert.escalations.map(({ at, severity }) => ({ at: iso(at), severity })),
  scope: alert.scope,
  ratio: rounded(figures.ratio),
  peakRatio: rounded(alert.peakRatio),
  rollingMs: rounded(figures.rollingMs),
  baselineMs: rounded(figures.baselineMs),
  affectedSegments: figures.affectedSegments,
  calculations: figures.calculations,
  summary: figures.summary,
  rule: alert.rule,
  control: figures.control === null ? null : rounded(figures.control),
  excessShare: rounded(figures.excessShare),
  unaffectedSegments: figures.unaffectedSegments,
  affectedWorkspaces: figures.affectedWorkspaces,
  projected:
    figures.projected === null ? null : { multiple: figures.projected.multiple, at: iso(figures.projected.at) },
  explains: figures.explains,
});
