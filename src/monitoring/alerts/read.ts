import { decodeIntegers, encodeCursor } from '../../core/cursors.ts';
import { notFound } from '../../core/errors.ts';
import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import type { Alert, AlertEvent, Severity } from '../types.ts';
import { DEFAULT_PAGE, GIVE_UP_MS, MAX_EVENTS_SHOWN, MAX_SILENCES } from './limits.ts';
import {
  type AlertDetails,
  type AlertEventResource,
  type AlertResource,
  alertResource,
  type DeliveryResource,
  detailsOf,
} from './resources.ts';
import { silenceId, silenceOf, type SilenceRow } from './silences.ts';
import { silencesOf } from './silencing.ts';
import { type AlertRow, type StoredAlert, storedOf, subjectOf } from './stored.ts';
import { alertFor, eventFor } from './visibility.ts';

const LIST = sql('alerts-list');
const EVENTS_OF = sql('alerts-events-of');
const DELIVERIES_OF = sql('alerts-deliveries-of');
const SILENCES = sql('alerts-silences');
const GET = `select seq, alert, diagnosis, acknowledged_at, acknowledged_by, acknowledged_note, acknowledged_severity, recorded_at
             from alerts where id = $1::text`;

/** Who reads: a workspace by its own key, or the operator. */
export type Viewer = { readonly workspace: string } | 'operator';

export interface AlertsQuery {
  readonly state?: 'open' | 'acknowledged' | 'resolved';
  readonly severity?: Severity;
  readonly kind?: string;
  readonly since?: string;
  readonly cursor?: string;
  readonly limit?: number;
}

export interface EventRow {
  readonly id: number;
  readonly type: AlertEvent['type'] | 'acknowledged' | 'diagnosed';
  readonly at: Date;
  readonly recorded_at: Date;
  readonly severity: Severity;
  readonly by: string | null;
  readonly note: string | null;
  readonly then_alert: Alert;
}

interface DeliveryRow {
  readonly id: number;
  readonly channel: string;
  readonly event_id: number;
  readonly state: string;
  readonly attempts: number;
  readonly next_try_at: Date;
  readonly delivered_at: Date | null;
  readonly error: string | null;
}

/** As the viewer may see it; undefined where it does not concern them. */
export const seenBy = (viewer: Viewer, stored: StoredAlert, publicUrl: string): AlertResource | undefined =>
  viewer === 'operator' ? alertResource(stored, publicUrl) : alertFor(viewer.workspace, stored, publicUrl);

export const eventSeenBy = (viewer: Viewer, row: EventRow): AlertEventResource => {
  const event: AlertEventResource = {
    id: row.id,
    type: row.type,
    at: row.at.toISOString(),
    recordedAt: row.recorded_at.toISOString(),
    severity: row.severity,
    ratio: row.then_alert.ratio,
    summary: row.then_alert.summary,
    by: row.by,
    note: row.note,
  };
  return viewer === 'operator' ? event : eventFor(event, row.then_alert);
};

const deliveryOf = (row: DeliveryRow): DeliveryResource => ({
  channel: row.channel,
  eventId: row.event_id,
  state: row.state,
  attempts: row.attempts,
  nextTryAt: row.state === 'waiting' ? row.next_try_at.toISOString() : null,
  deliveredAt: row.delivered_at?.toISOString() ?? null,
  error: row.error,
});

export const workspaceOf = (viewer: Viewer): string | null => (viewer === 'operator' ? null : viewer.workspace);

/** A page, newest first. Throws 422 for a cursor that is none. */
export const listAlerts = async (
  db: Queryable,
  viewer: Viewer,
  query: AlertsQuery,
  publicUrl: string,
): Promise<{ alerts: AlertResource[]; nextCursor: string | null }> => {
  const limit = query.limit ?? DEFAULT_PAGE;
  const [before] = query.cursor === undefined ? [null] : decodeIntegers('alerts', query.cursor, 1);
  const { rows } = await db.query<AlertRow>(LIST, [
    before,
    workspaceOf(viewer),
    query.state ?? null,
    query.severity ?? null,
    query.kind ?? null,
    query.since ?? null,
    limit + 1,
  ]);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    alerts: page.flatMap((row) => seenBy(viewer, storedOf(row), publicUrl) ?? []),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor('alerts', last.seq) : null,
  };
};

/** One alert with what happened to it. Throws 404, also where it is somebody else's. */
export const getAlert = async (db: Queryable, viewer: Viewer, id: string, publicUrl: string): Promise<AlertDetails> => {
  const { rows } = await db.query<AlertRow>(GET, [id]);
  const stored = rows[0] === undefined ? undefined : storedOf(rows[0]);
  const resource = stored === undefined ? undefined : seenBy(viewer, stored, publicUrl);
  if (stored === undefined || resource === undefined) throw notFound(`alert "${id.slice(0, 64)}"`);
  const events = await db.query<EventRow>(EVENTS_OF, [id, MAX_EVENTS_SHOWN]);
  if (viewer !== 'operator') {
    const shown = events.rows.filter(({ type }) => type !== 'diagnosed').map((row) => eventSeenBy(viewer, row));
    return detailsOf(resource, { events: shown, deliveries: [], silencedBy: [] });
  }
  const deliveries = await db.query<DeliveryRow>(DELIVERIES_OF, [id, MAX_EVENTS_SHOWN]);
  const silences = await db.query<SilenceRow>(SILENCES, [GIVE_UP_MS, MAX_SILENCES]);
  return detailsOf(resource, {
    events: events.rows.map((row) => eventSeenBy(viewer, row)),
    deliveries: deliveries.rows.map(deliveryOf),
    silencedBy: silencesOf(silences.rows.map(silenceOf), subjectOf(stored), Date.now()).map(silenceId),
  });
};
