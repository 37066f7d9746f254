import type pg from 'pg';
import { sql } from '../database/sql.ts';
import type { Request } from './requests.ts';
import type { OnLate, Trigger } from './resources.ts';

const CLAIM = sql('calculations-claim');
const BEGIN = sql('calculations-begin');

/** A calculation that this process runs, as claiming left its row. */
export interface Claimed {
  readonly id: number;
  readonly workspace_id: number;
  readonly workspace: string;
  readonly segment_id: number;
  readonly segment_key: string;
  readonly segment_version: number;
  readonly trigger: Trigger;
  readonly attempts: number;
  readonly queue_ms: number;
  readonly deadline: Date | null;
  readonly on_late: OnLate;
  readonly requested_at: Date;
  readonly started_at: Date;
  readonly urgency: number;
  readonly planned_start_at: Date | null;
  readonly expected_ms: number | null;
}

/** Up to `limit` of those that wait, the first first. */
export const claimWaiting = async (pool: pg.Pool, processId: string, limit: number): Promise<Claimed[]> => {
  const { rows } = await pool.query<Claimed>({ name: 'calculations-claim', text: CLAIM, values: [processId, limit] });
  return rows.sort(
    (a, b) =>
      (a.deadline?.getTime() ?? Number.POSITIVE_INFINITY) - (b.deadline?.getTime() ?? Number.POSITIVE_INFINITY) ||
      a.urgency - b.urgency ||
      a.requested_at.getTime() - b.requested_at.getTime(),
  );
};

/** One that is asked for and begins at once; undefined where it has to wait, or there is no such segment. */
export const beginAtOnce = async (
  pool: pg.Pool,
  processId: string,
  workspaceId: number,
  key: string,
  { trigger, deadline, onLate }: Omit<Request, 'waitMs'>,
): Promise<Claimed | undefined> => {
  const values = [workspaceId, key, trigger, deadline, onLate, processId];
  const { rows } = await pool.query<Claimed>({ name: 'calculations-begin', text: BEGIN, values });
  return rows[0];
};
