/** The words that the parts of monitoring share. Plain data: they are stored, sent and replayed as they are. */

/** How a calculation ended. A timeout took at least its limit. */
export type ObservedOutcome = 'succeeded' | 'failed' | 'timeout' | 'cancelled';

/** What is watched of one calculation that ended. */
export interface Observation {
  /** Epoch milliseconds. */
  readonly finishedAt: number;
  /** The workspace's name and the segment's key: together they name a segment. */
  readonly workspace: string;
  readonly segment: string;
  /** Of the segment's definition. A history from elsewhere has 1. */
  readonly version: number;
  readonly trigger: string;
  /** Condition kinds, each once, sorted. */
  readonly kinds: readonly string[];
  readonly population: number;
  /** From claim to commit, without the wait in the queue. */
  readonly durationMs: number;
  readonly outcome: ObservedOutcome;
}

/** Whom an alert is about; empty: the service as a whole. */
export interface Scope {
  readonly kind?: string;
  readonly workspace?: string;
  /** Goes with its workspace. */
  readonly segment?: string;
}

/** Lowest first. */
export const SEVERITIES = ['outliers', 'drift', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * What a rule is about. `slow`: calculations take longer than their own normal; `freshness`: acknowledged writes become visible late;
 * `late`: newsletters were late; `failures`: calculations fail or time out; `queue`: they wait; `stale`: there is no data.
 */
export type Rule = 'slow' | 'freshness' | 'late' | 'failures' | 'queue' | 'stale';

/** One comparison that came out true: why an alert is there. */
export interface Fired {
  readonly severity: Severity;
  readonly windowMs: number;
  readonly value: number;
  readonly threshold: number;
  /** How many times its usual noise the value is off; null where the rule does not ask. */
  readonly sigmas: number | null;
  readonly calculations: number;
}

/** One of those that contribute most to an alert. */
export interface Contributor {
  readonly workspace: string;
  /** Absent: the workspace as a whole. */
  readonly segment?: string;
  readonly ratio: number;
  readonly calculations: number;
}

/** One cause, from when it is first said until it is over. Times are epoch milliseconds, ratios × normal; of rules other than `slow`, × their threshold. */
export interface Alert {
  readonly id: string;
  readonly rule: Rule;
  readonly scope: Scope;
  /** The highest that was reached. */
  readonly severity: Severity;
  readonly escalations: readonly { readonly at: number; readonly severity: Severity }[];
  /** When it is estimated to have begun; when it was first said; when it was over. */
  readonly onset: number;
  readonly openedAt: number;
  readonly resolvedAt: number | null;
  readonly ratio: number;
  readonly peakRatio: number;
  /** What the calculations in scope take on average now, and what they would take normally. */
  readonly rollingMs: number;
  readonly baselineMs: number;
  /** The ratio of everything out of scope, at the same time; null where nothing is. */
  readonly control: number | null;
  /** Of all time beyond normal, the part in scope: 0 to 1. */
  readonly excessShare: number;
  readonly affectedSegments: number;
  readonly unaffectedSegments: number;
  readonly affectedWorkspaces: number;
  /** In the window that is judged. */
  readonly calculations: number;
  readonly topSegments: readonly Contributor[];
  readonly topWorkspaces: readonly Contributor[];
  /** When the ratio reaches the multiple if it goes on as it does; null where it does not grow, or is there already. */
  readonly projected: { readonly multiple: number; readonly at: number } | null;
  readonly baselineVersion: number;
  /** Slices that are slow for the same cause, and raise nothing of their own. */
  readonly explains: readonly Scope[];
  readonly fired: readonly Fired[];
  /** A sentence for people. */
  readonly summary: string;
}

/** `changed`: the scope, or what is known of it, has changed enough to say so. */
export interface AlertEvent {
  readonly type: 'opened' | 'escalated' | 'changed' | 'resolved';
  /** In the stream's own time. */
  readonly at: number;
  readonly alert: Alert;
}
