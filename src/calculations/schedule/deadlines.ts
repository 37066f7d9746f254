import type pg from 'pg';
import { EvenkeelError } from '../../core/errors.ts';
import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import { MAX_PLANNED_AROUND, UNKNOWN_HIGH_MS } from '../limits.ts';
import type { Request } from '../requests.ts';
import type { Prediction } from './prediction.ts';
import { predict } from './predictor.ts';
import { latestStart, type Start, type Waiting } from './starts.ts';

const PLAN = sql('calculations-plan');
const AHEAD = sql('schedule-ahead');
const MAKE_ROOM = sql('schedule-make-room');

export interface DeadlineRequest extends Request {
  readonly deadline: Date;
}

interface Requested {
  readonly id: number;
  readonly requested_at: Date;
  readonly added: boolean;
}

/**
 * Asks for a calculation that has a deadline, with what is expected of it. A newsletter that nobody waits for starts at the latest moment
 * that is safe, so that its membership is as fresh as can be; where that moment has passed, and in all other cases, at once.
 *
 * @param threads that share what waits
 * @returns no row: no such segment
 */
export const requestByDeadline = async (
  pool: pg.Pool,
  threads: number,
  workspaceId: number,
  key: string,
  request: DeadlineRequest,
): Promise<{ rows: readonly Requested[] }> => {
  const { trigger, deadline, onLate, waitMs } = request;
  const prediction = await predictUnlessInvalid(pool, workspaceId, key);
  const start = prediction && (await startOf(pool, threads, deadline, prediction, [workspaceId, key]));
  const mayWait = trigger === 'newsletter' && waitMs === 0;
  const startAt = mayWait && start !== undefined && start.startMs > Date.now() ? new Date(start.startMs) : null;
  const { rows } = await pool.query<Requested>(PLAN, [
    workspaceId,
    key,
    trigger,
    deadline,
    onLate,
    startAt,
    prediction?.expectedMs ?? null,
    prediction?.highMs ?? null,
    start?.aheadMs ?? null,
  ]);
  const row = rows[0];
  if (row?.added === true && prediction !== undefined && startAt !== null)
    await pool.query(MAKE_ROOM, [row.id, prediction.highMs / threads, deadline]);
  return { rows };
};

/** A definition that cannot be evaluated fails when it is calculated, and says so there. */
const predictUnlessInvalid = async (
  db: Queryable,
  workspaceId: number,
  key: string,
): Promise<Prediction | undefined> => {
  try {
    return await predict(db, workspaceId, key);
  } catch (error) {
    if (error instanceof EvenkeelError) return undefined;
    throw error;
  }
};

const startOf = async (
  db: Queryable,
  threads: number,
  deadline: Date,
  { highMs }: Prediction,
  segment: readonly [workspaceId: number, key: string],
): Promise<Start> => {
  const { rows } = await db.query<Waiting>(AHEAD, [deadline, MAX_PLANNED_AROUND, UNKNOWN_HIGH_MS, ...segment]);
  return latestStart(deadline.getTime(), highMs, rows, threads);
};
