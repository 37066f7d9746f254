import type { Alert, AlertEvent, Severity } from '../../src/monitoring/types.ts';

const AT = Date.parse('2026-03-02T08:00:00Z');
const HOUR_MS = 3_600_000;

/** An alert about the kind `property.is_set`, as the detector makes them. */
export const anAlert = (change: Partial<Alert> = {}): Alert => {
  const openedAt = change.openedAt ?? AT;
  const severity = change.severity ?? 'drift';
  return {
    id: 'alr_1',
    rule: 'slow',
    scope: { kind: 'property.is_set' },
    severity,
    escalations: [{ at: openedAt, severity }],
    onset: openedAt - 2 * HOUR_MS,
    openedAt,
    resolvedAt: null,
    ratio: 1.4,
    peakRatio: 1.5,
    rollingMs: 140,
    baselineMs: 100,
    control: 1.02,
    excessShare: 0.93,
    affectedSegments: 83,
    unaffectedSegments: 317,
    affectedWorkspaces: 31,
    calculations: 212,
    topSegments: [
      { workspace: 'acme', segment: 'vip', ratio: 2.1, calculations: 9 },
      { workspace: 'default', segment: 'pro', ratio: 1.9, calculations: 7 },
    ],
    topWorkspaces: [
      { workspace: 'acme', ratio: 1.6, calculations: 40 },
      { workspace: 'default', ratio: 1.5, calculations: 31 },
    ],
    projected: { multiple: 2, at: openedAt + 10 * HOUR_MS },
    baselineVersion: 3,
    explains: [{ workspace: 'acme' }, { workspace: 'default', segment: 'pro' }],
    fired: [{ severity, windowMs: 6 * HOUR_MS, value: 1.4, threshold: 1.15, sigmas: 8.2, calculations: 212 }],
    summary: 'segments with property.is_set take 1.4 × normal',
    ...change,
  };
};

export const opened = (alert: Alert): AlertEvent => ({ type: 'opened', at: alert.openedAt, alert });

/** The alert a while later, at a higher severity. */
export const escalated = (alert: Alert, severity: Severity, afterMs = HOUR_MS): AlertEvent => {
  const at = alert.openedAt + afterMs;
  return {
    type: 'escalated',
    at,
    alert: { ...alert, severity, ratio: 2.2, peakRatio: 2.2, escalations: [...alert.escalations, { at, severity }] },
  };
};

export const resolved = (alert: Alert, afterMs = 5 * HOUR_MS): AlertEvent => {
  const at = alert.openedAt + afterMs;
  return { type: 'resolved', at, alert: { ...alert, resolvedAt: at, ratio: 1.01 } };
};
