import { expect, test } from '@jest/globals';
import { RETRY_FIRST_MS, RETRY_LAST_MS } from '../../../../src/monitoring/alerts/limits.ts';
import { noticeKey, postableAlerts } from '../../../../src/monitoring/alerts/payload.ts';
import { backOffMs } from '../../../../src/monitoring/alerts/sender.ts';
import { signatureOf } from '../../../../src/monitoring/alerts/signature.ts';
import type { StoredAlert } from '../../../../src/monitoring/alerts/stored.ts';
import type { Alert } from '../../../../src/monitoring/types.ts';
import { anAlert, escalated, resolved } from '../../../support/alerts.ts';

const stored = (alert: Alert): StoredAlert => ({
  seq: 1,
  alert,
  diagnosis: null,
  acknowledged: null,
  recordedAt: new Date(0),
});
const HOUR_MS = 3_600_000;
const alert = anAlert();

test('an open alert ends by itself at Alertmanager four minutes on', () => {
  const now = alert.openedAt + HOUR_MS;
  expect(postableAlerts(stored(alert), 'http://x', now)).toMatchObject([
    {
      labels: { severity: 'drift' },
      startsAt: '2026-03-02T08:00:00.000Z',
      endsAt: new Date(now + 240_000).toISOString(),
    },
  ]);
});

test('each severity that it had before is ended when the next began', () => {
  const { alert: critical } = escalated(escalated(alert, 'warning').alert, 'critical', 2 * HOUR_MS);
  const now = alert.openedAt + 3 * HOUR_MS;
  expect(postableAlerts(stored(critical), 'http://x', now)).toMatchObject([
    { labels: { severity: 'drift' }, endsAt: '2026-03-02T09:00:00.000Z' },
    { labels: { severity: 'warning' }, endsAt: '2026-03-02T10:00:00.000Z' },
    { labels: { severity: 'critical' }, endsAt: new Date(now + 240_000).toISOString() },
  ]);
  const { alert: done } = resolved(critical);
  expect(postableAlerts(stored(done), 'http://x', now + 5 * HOUR_MS).at(-1)).toMatchObject({
    labels: { severity: 'critical' },
    endsAt: '2026-03-02T13:00:00.000Z',
  });
});

test('no start or end is in the future, and no end before its start', () => {
  const before = alert.openedAt - HOUR_MS;
  const { alert: done } = resolved(escalated(alert, 'critical').alert);
  for (const { startsAt, endsAt } of postableAlerts(stored(done), 'http://x', before)) {
    expect(startsAt).toBe(new Date(before).toISOString());
    expect(endsAt).toBe(startsAt);
  }
});

test('a key is of one event of one alert', () => {
  const keys = [
    noticeKey(stored(alert), 1),
    noticeKey(stored(alert), 2),
    noticeKey(stored(anAlert({ id: 'alr_2' })), 1),
  ];
  expect(new Set(keys).size).toBe(3);
  expect(noticeKey(stored(alert), 1)).toBe(keys[0]);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
});

test('a signature is what the documentation shows', () => {
  expect(signatureOf('0123456789abcdef', '{"version":"4"}', 1_772_438_400_123)).toBe(
    't=1772438400,v1=f59780507accf1189088cae07785d29d5d557ebacd9acc1c8cfbdc171c294431',
  );
});

test('back-off doubles within its bounds, and waits as long as the receiver asks', () => {
  for (const random of [0, 0.5, 0.999]) {
    for (let attempts = 0; attempts < 200; attempts += 1) {
      const ms = backOffMs(attempts, null, () => random);
      expect(ms).toBeGreaterThanOrEqual(RETRY_FIRST_MS / 2);
      expect(ms).toBeLessThanOrEqual(RETRY_LAST_MS * 1.5);
    }
    expect(backOffMs(1, null, () => random)).toBe(2 * backOffMs(0, null, () => random));
  }
  expect(backOffMs(0, 1_800_000, () => 0.5)).toBe(1_800_000);
});
