import { createHash } from 'node:crypto';
import type { AlertEvent, Rule, Severity } from '../types.ts';
import { RESEND_MS, RESEND_PERIODS } from './limits.ts';
import type { StoredAlert } from './stored.ts';
import { describe } from './words.ts';

/** What Alertmanager and its webhooks know an alert by. Pure. */

/** One notice: an alert, and what has become of it. */
export interface Notice {
  readonly type: AlertEvent['type'] | 'test';
  readonly stored: StoredAlert;
  /** The same for each attempt to send it. */
  readonly key: string;
}

const NAMES: Readonly<Record<Rule, string>> = {
  slow: 'SegmentCalculationsSlow',
  freshness: 'SegmentWritesVisibleLate',
  late: 'NewsletterSegmentsLate',
  failures: 'SegmentCalculationsFail',
  queue: 'SegmentCalculationsWait',
  stale: 'SegmentCalculationsUnseen',
};
export const TEST_NAME = 'EvenkeelTest';

const digestOf = (...parts: readonly (string | number)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/** Of an alert for as long as it lives, whatever its severity; another one's is another. */
export const fingerprintOf = ({ alert }: StoredAlert): string => digestOf(alert.id, alert.openedAt).slice(0, 16);

/** What a receiver can tell by that it has a notice already. */
export const noticeKey = ({ alert }: StoredAlert, eventId: number): string =>
  digestOf(alert.id, alert.openedAt, eventId).slice(0, 32);

type Labels = Readonly<Record<string, string>>;

const labelsOf = ({ alert }: StoredAlert, severity: Severity, test: boolean): Labels => ({
  alertname: test ? TEST_NAME : NAMES[alert.rule],
  service: 'evenkeel',
  rule: alert.rule,
  severity,
  ...alert.scope,
});

export const linkOf = (publicUrl: string, id: string): string => `${publicUrl}/v1/alerts/${encodeURIComponent(id)}`;

const annotationsOf = (stored: StoredAlert, type: Notice['type']): Labels => {
  const { alert, diagnosis } = stored;
  return {
    summary: type === 'resolved' ? `Over: ${alert.summary}` : alert.summary,
    description: type === 'test' ? alert.summary : describe(stored),
    ratio: String(alert.ratio),
    alert_id: alert.id,
    ...(diagnosis === null ? {} : { cause: diagnosis.cause, diagnosis: diagnosis.sentence }),
  };
};

/** RFC 3339. Alertmanager takes no end before its start, and one in the future for a guess. */
const iso = (ms: number): string => new Date(ms).toISOString();
/** Go's zero time, which says that there is no end yet. */
const NO_TIME = '0001-01-01T00:00:00Z';

/** The body of Alertmanager's webhook, version 4, with one alert; and in `evenkeel` what that format has no room for. */
export const webhookBody = (notice: Notice, resource: unknown, publicUrl: string): string => {
  const { stored, type } = notice;
  const { alert } = stored;
  const labels = labelsOf(stored, alert.severity, type === 'test');
  const annotations = annotationsOf(stored, type);
  const status = alert.resolvedAt === null ? 'firing' : 'resolved';
  const fingerprint = fingerprintOf(stored);
  return JSON.stringify({
    version: '4',
    groupKey: `{}:{alert="${fingerprint}"}`,
    truncatedAlerts: 0,
    status,
    receiver: 'evenkeel',
    groupLabels: { alertname: labels['alertname'] },
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: publicUrl,
    alerts: [
      {
        status,
        labels,
        annotations,
        startsAt: iso(alert.openedAt),
        endsAt: alert.resolvedAt === null ? NO_TIME : iso(alert.resolvedAt),
        generatorURL: linkOf(publicUrl, alert.id),
        fingerprint,
      },
    ],
    evenkeel: { event: type, alert: resource },
  });
};

interface PostableAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

/**
 * An alert as `POST /api/v2/alerts` takes it. Alertmanager knows alerts by their labels, the severity among them: one that has escalated is
 * another there, so each severity that it had before is ended with the same request. An open one ends by itself when it is not
 * said again in time.
 */
export const postableAlerts = (
  stored: StoredAlert,
  publicUrl: string,
  nowMs: number,
  test = false,
): PostableAlert[] => {
  const { alert } = stored;
  const startsAt = Math.min(alert.openedAt, nowMs);
  const ended = (atMs: number): string => iso(Math.min(Math.max(atMs, startsAt), nowMs));
  const one = (severity: Severity, endsAt: string): PostableAlert => ({
    labels: labelsOf(stored, severity, test),
    annotations: annotationsOf(stored, test ? 'test' : alert.resolvedAt === null ? 'changed' : 'resolved'),
    startsAt: iso(startsAt),
    endsAt,
    generatorURL: linkOf(publicUrl, alert.id),
  });
  const { resolvedAt, escalations } = alert;
  const before = escalations
    .map(({ severity }, i) => ({ severity, endedAt: escalations[i + 1]?.at ?? resolvedAt ?? nowMs }))
    .filter(({ severity }) => severity !== alert.severity)
    .map(({ severity, endedAt }) => one(severity, ended(endedAt)));
  const end = resolvedAt === null ? iso(nowMs + RESEND_MS * RESEND_PERIODS) : ended(resolvedAt);
  return [...before, one(alert.severity, end)];
};
