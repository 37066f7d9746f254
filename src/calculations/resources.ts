/** What callers see of segments, calculations and snapshots (CONTRACT §3). */
import type { ConditionKind, ListRole } from '../conditions/types.ts';
import { formatId } from '../core/ids.ts';
import type { Prediction } from './schedule/prediction.ts';
import type { Refresh } from './schedule/refresh.ts';
import { lateRisk } from './schedule/starts.ts';

export const TRIGGERS = ['newsletter', 'manual', 'schedule', 'api'] as const;
export type Trigger = (typeof TRIGGERS)[number];
export const STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type State = (typeof STATES)[number];
export const ON_LATE = ['wait', 'use_latest'] as const;
export type OnLate = (typeof ON_LATE)[number];

/** Why a calculation, not a request, went wrong. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

export interface TimingsMs {
  readonly queue: number | null;
  readonly freshen: number | null;
  readonly compile: number | null;
  readonly query: number | null;
  readonly store: number | null;
  readonly total: number | null;
}

export interface CalculationResource {
  readonly id: string;
  readonly segment: string;
  readonly workspace: string;
  readonly trigger: Trigger;
  readonly state: State;
  readonly requestedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly deadline: string | null;
  readonly onLate: OnLate;
  readonly asOf: string | null;
  readonly attempts: number;
  readonly timingsMs: TimingsMs;
  readonly population: number | null;
  readonly members: number | null;
  readonly entered: number | null;
  readonly left: number | null;
  /** Its own; or, late with `use_latest`, the latest good one at the deadline. */
  readonly snapshot: string | null;
  readonly segmentVersion: number | null;
  readonly conditionKinds: readonly string[];
  readonly late: boolean;
  /** Of a newsletter with a deadline: it waits until then; null: at once. */
  readonly plannedStartAt: string | null;
  /** How long it was expected to take without its wait; null without a deadline. */
  readonly expectedMs: number | null;
  /** The probability, 0 to 1, that it misses its deadline, as long as it has not ended. */
  readonly lateRisk: number | null;
  readonly supersededBy: string | null;
  readonly error: Problem | null;
}

export interface SnapshotResource {
  readonly id: string;
  readonly segment: string;
  readonly segmentVersion: number;
  readonly previous: string | null;
  readonly asOf: string;
  readonly createdAt: string;
  readonly population: number;
  readonly members: number;
  readonly pinned: boolean;
}

export interface Refreshed {
  /** Of the last look: with `auto`, what followed from the condition. */
  readonly intervalMs: number | null;
  /** When a calculation was last asked for. */
  readonly lastAt: string | null;
  /** When it was last skipped, as nothing that it reads had changed, and how often it was in all. */
  readonly lastSkippedAt: string | null;
  readonly skips: number;
  /** In a row. */
  readonly failures: number;
}

/** What requests call the lists. */
export const LIST_FIELDS = { users: 'userIds', include: 'include', exclude: 'exclude' } as const satisfies Record<
  ListRole,
  string
>;
export type ListField = (typeof LIST_FIELDS)[ListRole];

export interface ListResource {
  readonly ids: number;
  /** Users who stand on it now. */
  readonly users: number;
}

/** What an upload has done. */
export interface ListUploadResource extends ListResource {
  readonly segment: string;
  readonly list: ListField;
  readonly mode: 'replace' | 'add' | 'remove';
  readonly added: number;
  readonly removed: number;
  /** Of the segment. */
  readonly version: number;
}

export interface SegmentResource {
  readonly key: string;
  readonly name: string;
  readonly description: string | null;
  readonly type: 'dynamic' | 'static';
  /** As it was sent; null: static. */
  readonly condition: unknown;
  /** The lists that it has. */
  readonly lists: { readonly [F in ListField]?: ListResource };
  readonly version: number;
  readonly conditionKinds: readonly ConditionKind[];
  readonly createdAt: string;
  readonly updatedAt: string;
  /** As it was sent. */
  readonly refresh: Refresh | null;
  /** When it is next looked at; null where there is no refresh. */
  readonly nextRefreshAt: string | null;
  /** What its refreshing came to; null where there is none. */
  readonly refreshed: Refreshed | null;
  /** Of the last refresh, where that failed. */
  readonly lastError: (Problem & { readonly at: string }) | null;
  /** How long its next calculation should take, from those before; null until there are enough. */
  readonly prediction: Prediction | null;
  readonly latestSnapshot: {
    readonly id: string;
    readonly asOf: string;
    readonly population: number;
    readonly members: number;
  } | null;
}

export interface CalculationRow {
  readonly id: number;
  readonly segment_key: string;
  readonly workspace: string;
  readonly trigger: Trigger;
  readonly state: State;
  readonly requested_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly deadline: Date | null;
  readonly on_late: OnLate;
  readonly as_of: Date | null;
  readonly attempts: number;
  readonly queue_ms: number | null;
  readonly freshen_ms: number | null;
  readonly compile_ms: number | null;
  readonly query_ms: number | null;
  readonly store_ms: number | null;
  readonly total_ms: number | null;
  readonly population: number | null;
  readonly members: number | null;
  readonly entered: number | null;
  readonly left: number | null;
  readonly snapshot_id: number | null;
  readonly segment_version: number | null;
  readonly condition_kinds: readonly string[] | null;
  readonly is_late: boolean;
  readonly planned_start_at: Date | null;
  readonly expected_ms: number | null;
  readonly high_ms: number | null;
  readonly ahead_ms: number | null;
  readonly superseded_by: number | null;
  readonly error: Problem | null;
}

export interface SnapshotRow {
  readonly id: number;
  readonly segment_key: string;
  readonly segment_version: number;
  readonly previous_id: number | null;
  readonly as_of: Date;
  readonly created_at: Date;
  readonly population: number;
  readonly members: number;
  readonly pinned: boolean;
}

export const iso = (date: Date | null): string | null => date?.toISOString() ?? null;
const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms * 1000) / 1000);

/** What is left between its start, or now, and its deadline; while it waits, less what runs before it. */
const riskOf = (row: CalculationRow, nowMs: number): number | null => {
  const { deadline, expected_ms, high_ms, ahead_ms, planned_start_at, started_at, state } = row;
  if (deadline === null || expected_ms === null || high_ms === null) return null;
  if (state !== 'queued' && state !== 'running') return null;
  if (deadline.getTime() <= nowMs) return 1;
  const startMs =
    state === 'running'
      ? (started_at?.getTime() ?? nowMs)
      : Math.max(nowMs, planned_start_at?.getTime() ?? 0) + (ahead_ms ?? 0);
  return lateRisk(deadline.getTime() - startMs, expected_ms, high_ms);
};

export const calculationResource = (row: CalculationRow): CalculationResource => ({
  id: formatId('calculation', row.id),
  segment: row.segment_key,
  workspace: row.workspace,
  trigger: row.trigger,
  state: row.state,
  requestedAt: row.requested_at.toISOString(),
  startedAt: iso(row.started_at),
  finishedAt: iso(row.finished_at),
  deadline: iso(row.deadline),
  onLate: row.on_late,
  asOf: iso(row.as_of),
  attempts: row.attempts,
  timingsMs: {
    queue: rounded(row.queue_ms),
    freshen: rounded(row.freshen_ms),
    compile: rounded(row.compile_ms),
    query: rounded(row.query_ms),
    store: rounded(row.store_ms),
    total: rounded(row.total_ms),
  },
  population: row.population,
  members: row.members,
  entered: row.entered,
  left: row.left,
  snapshot: row.snapshot_id === null ? null : formatId('snapshot', row.snapshot_id),
  segmentVersion: row.segment_version,
  conditionKinds: row.condition_kinds ?? [],
  late: row.is_late,
  plannedStartAt: iso(row.planned_start_at),
  expectedMs: rounded(row.expected_ms),
  lateRisk: riskOf(row, Date.now()),
  supersededBy: row.superseded_by === null ? null : formatId('calculation', row.superseded_by),
  error: row.error,
});

export const snapshotResource = (row: SnapshotRow): SnapshotResource => ({
  id: formatId('snapshot', row.id),
  segment: row.segment_key,
  segmentVersion: row.segment_version,
  previous: row.previous_id === null ? null : formatId('snapshot', row.previous_id),
  asOf: row.as_of.toISOString(),
  createdAt: row.created_at.toISOString(),
  population: row.population,
  members: row.members,
  pinned: row.pinned,
});

export const hasEnded = (calculation: CalculationResource): boolean =>
  calculation.state !== 'queued' && calculation.state !== 'running';

/** A newsletter that would rather send late membership than late: its deadline came and it has something to send. */
export const wasHandedLatest = (calculation: CalculationResource): boolean =>
  calculation.late && calculation.onLate === 'use_latest' && calculation.snapshot !== null;
