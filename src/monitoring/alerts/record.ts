import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import type { Alert, AlertEvent } from '../types.ts';

const LOCK_EVENTS = sql('alerts-lock-events');
const RECORD_EVENT = sql('alerts-record-event');
const RECORD_DIAGNOSIS = sql('alerts-record-diagnosis');
const UNDIAGNOSED = sql('alerts-undiagnosed');

const instant = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));

/** Until the transaction of `db` ends nobody else writes events: who follows them by their ids misses none. */
export const lockEvents = async (db: Queryable): Promise<void> => {
  await db.query(LOCK_EVENTS);
};

/**
 * Writes events as they come from the detector, each with its alert; who is to be told of them is told by the sender, wherever it runs.
 * Idempotent: an event is known by its alert's id, its type and its time, of which there is one at most.
 *
 * @param db a transaction's client, so that events, the detector's state and its cursor are written together or not at all
 * @throws what the database has against it
 */
export const recordAlertEvents = async (db: Queryable, events: readonly AlertEvent[]): Promise<void> => {
  if (events.length === 0) return;
  await lockEvents(db);
  for (const { type, at, alert } of events)
    await db.query(RECORD_EVENT, [
      alert.id,
      type,
      new Date(at),
      alert.rule,
      alert.severity,
      alert.scope.kind ?? null,
      alert.scope.workspace ?? null,
      alert.scope.segment ?? null,
      new Date(alert.openedAt),
      instant(alert.resolvedAt),
      JSON.stringify(alert),
    ]);
};

/** Alerts that are not over, as they were last told. */
export const openAlertsOf = async (db: Queryable): Promise<Alert[]> => {
  const { rows } = await db.query<{ alert: Alert }>('select alert from alerts where resolved_at is null order by seq');
  return rows.map(({ alert }) => alert);
};

/**
 * Writes what the diagnosis of an alert found. Its opening notice waits for this, for `DIAGNOSIS_WAIT_MS` at most. Nothing happens where
 * the alert is not there any more.
 *
 * @param db a transaction's client
 */
export const recordDiagnosis = async (db: Queryable, alertId: string, diagnosis: object): Promise<void> => {
  await lockEvents(db);
  await db.query(RECORD_DIAGNOSIS, [alertId, JSON.stringify(diagnosis)]);
};

export interface Undiagnosed {
  readonly alert: Alert;
  /** By the database's clock. */
  readonly recordedAt: Date;
}

/** Open alerts without a diagnosis, oldest first. */
export const alertsToDiagnose = async (db: Queryable, limit: number): Promise<Undiagnosed[]> => {
  const { rows } = await db.query<{ alert: Alert; recorded_at: Date }>(UNDIAGNOSED, [limit]);
  return rows.map(({ alert, recorded_at }) => ({ alert, recordedAt: recorded_at }));
};
