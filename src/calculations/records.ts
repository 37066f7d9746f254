import type { Claimed } from './claims.ts';
import type { CalculationRow, Trigger } from './resources.ts';
import type { Outcome, Succeeded } from './tasks.ts';

/** What monitoring hears of each attempt that ended. */
export interface CalculationRecord {
  readonly id: number;
  readonly workspaceId: number;
  readonly segmentKey: string;
  readonly trigger: Trigger;
  readonly attempt: number;
  /** `retried`: it waits for another attempt; `lost`: cancelled or superseded. */
  readonly outcome: 'succeeded' | 'failed' | 'retried' | 'lost';
  readonly errorCode?: string;
  readonly kinds: readonly string[];
  readonly segmentVersion?: number;
  readonly population?: number;
  readonly members?: number;
  readonly timingsMs: {
    readonly queue: number;
    readonly freshen?: number;
    readonly compile?: number;
    readonly query?: number;
    readonly store?: number;
    readonly total: number;
  };
  readonly finishedAt: number;
  readonly late: boolean;
  /** How long after its deadline it ended, negative before it; absent where there was none. */
  readonly lateMs?: number;
}

/** What monitoring is told of an attempt. */
export const recordOf = (
  row: Claimed,
  outcome: Outcome,
  ended: CalculationRecord['outcome'],
  totalMs: number,
): CalculationRecord => {
  const finishedAt = Date.now();
  const shared = {
    id: row.id,
    workspaceId: row.workspace_id,
    segmentKey: row.segment_key,
    trigger: row.trigger,
    attempt: row.attempts,
    outcome: ended,
    finishedAt,
    late: row.deadline !== null && row.deadline.getTime() < finishedAt,
    ...(row.deadline !== null && { lateMs: finishedAt - row.deadline.getTime() }),
  };
  const timingsMs = { queue: row.queue_ms, total: totalMs };
  switch (outcome.outcome) {
    case 'succeeded': {
      const { kinds, segmentVersion, population, members, phasesMs } = outcome;
      return { ...shared, kinds, segmentVersion, population, members, timingsMs: { ...timingsMs, ...phasesMs } };
    }
    case 'failed':
      return { ...shared, kinds: outcome.kinds ?? [], errorCode: outcome.problem.code, timingsMs };
    case 'lost':
      return { ...shared, kinds: [], timingsMs };
  }
};

/** The row of one that has succeeded, as it now stands in the database. */
export const succeededRow = (row: Claimed, done: Succeeded, totalMs: number): CalculationRow => ({
  id: row.id,
  segment_key: row.segment_key,
  workspace: row.workspace,
  trigger: row.trigger,
  state: 'succeeded',
  requested_at: row.requested_at,
  started_at: row.started_at,
  finished_at: new Date(done.finishedAt),
  deadline: row.deadline,
  on_late: row.on_late,
  as_of: new Date(done.asOf),
  attempts: row.attempts,
  queue_ms: row.queue_ms,
  freshen_ms: done.phasesMs.freshen,
  compile_ms: done.phasesMs.compile,
  query_ms: done.phasesMs.query,
  store_ms: done.phasesMs.store,
  total_ms: totalMs,
  population: done.population,
  members: done.members,
  entered: done.entered,
  left: done.left,
  snapshot_id: done.snapshotId,
  segment_version: done.segmentVersion,
  condition_kinds: done.kinds,
  is_late: row.deadline !== null && row.deadline.getTime() < done.finishedAt,
  planned_start_at: row.planned_start_at,
  expected_ms: row.expected_ms,
  // There is no risk any more.
  high_ms: null,
  ahead_ms: null,
  superseded_by: null,
  error: null,
});
