import { randomBytes } from 'node:crypto';
import type { Notice } from './payload.ts';

const MINUTE_MS = 60_000;

/** A notice that says of itself that it is a test, as if it had opened a minute ago. */
export const testNotice = (nowMs: number): Notice => {
  const key = randomBytes(16).toString('hex');
  const openedAt = nowMs - MINUTE_MS;
  return {
    type: 'test',
    key,
    stored: {
      seq: 0,
      recordedAt: new Date(openedAt),
      diagnosis: null,
      acknowledged: null,
      alert: {
        id: `test-${key.slice(0, 8)}`,
        rule: 'slow',
        scope: {},
        severity: 'outliers',
        escalations: [{ at: openedAt, severity: 'outliers' }],
        onset: openedAt,
        openedAt,
        resolvedAt: null,
        ratio: 1,
        peakRatio: 1,
        rollingMs: 0,
        baselineMs: 0,
        control: null,
        excessShare: 0,
        affectedSegments: 0,
        unaffectedSegments: 0,
        affectedWorkspaces: 0,
        calculations: 0,
        topSegments: [],
        topWorkspaces: [],
        projected: null,
        baselineVersion: 0,
        explains: [],
        fired: [],
        summary: 'This is a test of Evenkeel’s alerts: nothing is wrong.',
      },
    },
  };
};

/** The end of a test, so that it stays open nowhere. */
export const testOver = (notice: Notice, nowMs: number): Notice => ({
  ...notice,
  key: `${notice.key.slice(1)}0`,
  stored: { ...notice.stored, alert: { ...notice.stored.alert, resolvedAt: nowMs } },
});
