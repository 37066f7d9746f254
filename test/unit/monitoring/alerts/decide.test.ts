import { expect, test } from '@jest/globals';
import { decide, type Due, type Waiting } from '../../../../src/monitoring/alerts/decide.ts';
import { DIAGNOSIS_WAIT_MS, GIVE_UP_MS } from '../../../../src/monitoring/alerts/limits.ts';
import type { Silence } from '../../../../src/monitoring/alerts/silencing.ts';
import type { StoredAlert } from '../../../../src/monitoring/alerts/stored.ts';
import type { Alert, Severity } from '../../../../src/monitoring/types.ts';
import { anAlert } from '../../../support/alerts.ts';

const NOW = Date.parse('2026-03-02T12:00:00Z');
const DIAGNOSIS = { cause: 'lock_waits', confidence: 'high', sentence: '…', remedy: { text: '…' } };

const stored = (alert: Partial<Alert> = {}, change: Partial<StoredAlert> = {}): StoredAlert => ({
  seq: 1,
  alert: anAlert(alert),
  diagnosis: DIAGNOSIS,
  acknowledged: null,
  recordedAt: new Date(NOW - 60_000),
  ...change,
});
const waiting = (type: Waiting['type'], severity: Severity = 'drift', change: Partial<Waiting> = {}): Waiting => ({
  id: 1,
  eventId: 1,
  type,
  severity,
  recordedAtMs: NOW - 60_000,
  attempts: 0,
  firstTriedAtMs: null,
  ...change,
});
const due = (alert: StoredAlert, told: boolean, ...all: Waiting[]): Due => ({
  channel: 'webhook',
  stored: alert,
  told,
  waiting: all,
});
const silence = (change: Partial<Silence> = {}): Silence => ({
  id: 1,
  alertId: null,
  rule: null,
  scope: { kind: 'property.is_set' },
  upTo: null,
  startsAt: NOW - 3_600_000,
  endsAt: NOW + 3_600_000,
  ...change,
});
const acknowledgedAt = (severity: Severity): Partial<StoredAlert> => ({
  acknowledged: { at: new Date(NOW), by: 'Ada', note: null, severity },
});
const over = { resolvedAt: NOW - 60_000 };
const what = (one: Due, ...silences: Silence[]): string => {
  const verdict = decide(one, silences, NOW);
  return verdict.what === 'drop' ? verdict.as : verdict.what;
};

test('what nothing stands against is sent', () => {
  expect(what(due(stored(), false, waiting('opened')))).toBe('send');
});

test('an opening waits for its diagnosis, and what comes later does not', () => {
  const recently = { diagnosis: null, recordedAt: new Date(NOW - DIAGNOSIS_WAIT_MS + 1) };
  expect(decide(due(stored({}, recently), false, waiting('opened')), [], NOW)).toEqual({
    what: 'hold',
    untilMs: NOW + 1,
  });
  expect(what(due(stored({}, recently), true, waiting('escalated')))).toBe('send');
  expect(
    what(due(stored({}, { ...recently, recordedAt: new Date(NOW - DIAGNOSIS_WAIT_MS) }), false, waiting('opened'))),
  ).toBe('send');
});

test('a silence holds until its end at the latest, and only what it matches', () => {
  const one = due(stored(), false, waiting('opened'));
  expect(decide(one, [silence({ endsAt: NOW + 5 })], NOW)).toEqual({ what: 'hold', untilMs: NOW + 5 });
  expect(what(one, silence())).toBe('hold');
  expect(what(one, silence({ scope: {} }))).toBe('hold');
  expect(what(one, silence({ alertId: 'alr_1', rule: 'slow' }))).toBe('hold');
  for (const other of [
    silence({ endsAt: NOW }),
    silence({ startsAt: NOW + 1 }),
    silence({ scope: { kind: 'sample' } }),
    silence({ scope: { workspace: 'acme' } }),
    silence({ alertId: 'alr_2' }),
    silence({ rule: 'late' }),
    silence({ upTo: 'outliers' }),
  ])
    expect(what(one, other)).toBe('send');
});

test('what is worse than the silence goes up to breaks through', () => {
  expect(
    what(due(stored({ severity: 'critical' }), false, waiting('escalated', 'critical')), silence({ upTo: 'warning' })),
  ).toBe('send');
  expect(
    what(due(stored({ severity: 'warning' }), false, waiting('escalated', 'warning')), silence({ upTo: 'warning' })),
  ).toBe('hold');
});

test('that it is over is told to whom it was told, silenced or not; else unless it was silenced then', () => {
  const end = waiting('resolved');
  expect(what(due(stored(over), true, end), silence())).toBe('send');
  expect(what(due(stored(over), false, end))).toBe('send');
  expect(what(due(stored(over), false, waiting('opened'), end), silence())).toBe('silenced');
  expect(what(due(stored(over), false, end), silence({ endsAt: NOW - 60_000 }))).toBe('send');
  expect(what(due(stored(over), false, end), silence({ endsAt: NOW - 59_999 }))).toBe('silenced');
  // An attempt may have arrived though its answer was lost.
  expect(what(due(stored(over), false, waiting('opened', 'drift', { attempts: 1 }), end), silence())).toBe('send');
});

test('of an acknowledged alert only what is worse is told, and its end', () => {
  const at = (severity: Severity) => stored({ severity: 'critical' }, acknowledgedAt(severity));
  expect(what(due(at('warning'), true, waiting('escalated', 'critical')))).toBe('send');
  expect(what(due(at('critical'), true, waiting('escalated', 'critical')))).toBe('acknowledged');
  expect(what(due(at('warning'), true, waiting('changed', 'critical')))).toBe('acknowledged');
  expect(what(due(at('drift'), false, waiting('opened', 'drift')))).toBe('acknowledged');
  expect(what(due(stored({ ...over }, acknowledgedAt('drift')), true, waiting('resolved')))).toBe('send');
});

test('a day after its first attempt it is given up, however long it was held before', () => {
  expect(what(due(stored(), false, waiting('opened', 'drift', { firstTriedAtMs: NOW - GIVE_UP_MS })))).toBe('given_up');
  expect(what(due(stored(), false, waiting('opened', 'drift', { firstTriedAtMs: NOW - GIVE_UP_MS + 1 })))).toBe('send');
  expect(what(due(stored(), false, waiting('opened', 'drift', { recordedAtMs: NOW - 2 * GIVE_UP_MS })))).toBe('send');
  // What has happened since is tried for a day of its own.
  expect(
    what(
      due(
        stored(),
        false,
        waiting('opened', 'drift', { firstTriedAtMs: NOW - GIVE_UP_MS }),
        waiting('escalated', 'warning'),
      ),
    ),
  ).toBe('send');
});
