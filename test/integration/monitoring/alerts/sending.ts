import type { Log } from '../../../../src/core/log.ts';
import { transaction } from '../../../../src/database/transaction.ts';
import { Alerts, type AlertsOptions } from '../../../../src/monitoring/alerts/alerts.ts';
import { recordAlertEvents, recordDiagnosis } from '../../../../src/monitoring/alerts/record.ts';
import type { AlertEvent } from '../../../../src/monitoring/types.ts';
import type { TestDatabase } from '../../../support/database.ts';
import { until } from '../../../support/receiver.ts';

export const POLL_MS = 20;
export const PUBLIC_URL = 'https://segments.example';

export interface Logged {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export const keepingLog = (): Log & { readonly lines: Logged[] } => {
  const lines: Logged[] = [];
  const at = (level: Logged['level']) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: fields as Record<string, unknown> });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};

/** Alerts of one process, with the channels of `settings`. */
export const alertsOf = (
  database: TestDatabase,
  settings: Partial<AlertsOptions['settings']>,
  log: Log = keepingLog(),
): Alerts =>
  new Alerts({
    pool: database.pool,
    log,
    settings: { publicUrl: PUBLIC_URL, webhookAllowPrivate: true, ...settings },
    pollMs: POLL_MS,
  });

export const record = (database: TestDatabase, ...events: readonly AlertEvent[]): Promise<void> =>
  transaction(database.pool, (client) => recordAlertEvents(client, events));

export const DIAGNOSIS = {
  cause: 'vacuum_held_back',
  confidence: 'high',
  sentence: 'vacuum is held back by a transaction open since 05:58',
  remedy: { text: 'end that transaction' },
  evidence: [{ what: 'heap fetches', before: 0, now: 44_000 }],
};

export const diagnose = (database: TestDatabase, id: string): Promise<void> =>
  transaction(database.pool, (client) => recordDiagnosis(client, id, DIAGNOSIS));

/** Records an opening together with its diagnosis, so that its notice waits for nothing. */
export const open = async (database: TestDatabase, event: AlertEvent): Promise<void> => {
  await transaction(database.pool, async (client) => {
    await recordAlertEvents(client, [event]);
    await recordDiagnosis(client, event.alert.id, DIAGNOSIS);
  });
};

export interface Notification {
  readonly channel: string;
  readonly type: string;
  readonly state: string;
  readonly attempts: number;
  readonly error: string | null;
}

export const notifications = async (database: TestDatabase, channel: string): Promise<Notification[]> => {
  const { rows } = await database.pool.query<Notification>(
    `select n.channel, e.type, n.state, n.attempts, n.error
     from alert_notifications n join alert_events e on e.id = n.event_id where n.channel = $1 order by n.event_id`,
    [channel],
  );
  return rows;
};

/** Waits until nothing waits on the channel and everything was handed out. */
export const settled = (database: TestDatabase, channel: string): Promise<void> =>
  until(`nothing waits for ${channel}`, async () => {
    const { rows } = await database.pool.query<{ open: boolean }>(
      `select exists (select from alert_events where not announced)
           or exists (select from alert_notifications where channel = $1 and state = 'waiting') as open`,
      [channel],
    );
    return rows[0]?.open === false;
  });

/** What is not due yet is due now, as if its time had come. */
export const hurry = async (database: TestDatabase): Promise<void> => {
  await database.pool.query(
    `update alert_notifications set next_try_at = now() - interval '1 s' where state = 'waiting' and leased_until is null`,
  );
};

export const empty = (database: TestDatabase): Promise<unknown> =>
  database.pool.query('delete from alerts; delete from alert_silences; delete from alert_channels');
