import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import type { Alert } from '../types.ts';
import type { CaptureReason, Evidence } from './evidence.ts';
import { BASELINE_BEFORE_ONSET_MS } from './limits.ts';

const BASELINE_BEFORE = sql('diagnosis-baseline-before');
const ESCALATED = sql('diagnosis-escalated');

interface Stored {
  readonly alertId: string | null;
  readonly reason: CaptureReason;
  /** In the time of the calculations, epoch milliseconds. */
  readonly at: number;
  readonly evidence: Evidence;
}

export const storeEvidence = async (db: Queryable, { alertId, reason, at, evidence }: Stored): Promise<void> => {
  await db.query(
    'insert into diagnosis_evidence (alert_id, reason, captured_at, evidence) values ($1, $2, $3, $4::jsonb)',
    [alertId, reason, new Date(at), JSON.stringify(evidence)],
  );
};

/** What was looked at before the alert began, if anything was. */
export const baselineBefore = async (db: Queryable, { onset, openedAt }: Alert): Promise<Evidence | undefined> => {
  const { rows } = await db.query<{ evidence: Evidence }>(BASELINE_BEFORE, [
    new Date(onset - BASELINE_BEFORE_ONSET_MS),
    new Date(onset),
    new Date(openedAt),
  ]);
  return rows[0]?.evidence;
};

/** When a baseline was captured last, epoch milliseconds; undefined: never. */
export const lastBaselineAt = async (db: Queryable): Promise<number | undefined> => {
  const { rows } = await db.query<{ at: Date | null }>(
    `select max(captured_at) as at from diagnosis_evidence where reason = 'baseline'`,
  );
  return rows[0]?.at?.getTime();
};

export const anyAlertOpen = async (db: Queryable): Promise<boolean> =>
  (await db.query('select from alerts where resolved_at is null limit 1')).rows.length > 0;

export const escalatedAlerts = async (db: Queryable, limit: number): Promise<Alert[]> =>
  (await db.query<{ alert: Alert }>(ESCALATED, [limit])).rows.map(({ alert }) => alert);

export const forgetEvidence = async (db: Queryable, before: number): Promise<void> => {
  await db.query('delete from diagnosis_evidence where captured_at < $1', [new Date(before)]);
};
