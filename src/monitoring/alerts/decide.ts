import type { AlertEvent } from '../types.ts';
import { DIAGNOSIS_WAIT_MS, GIVE_UP_MS, SILENCED_LOOK_MS } from './limits.ts';
import { rankOf, type Silence, silencesOf } from './silencing.ts';
import type { StoredAlert } from './stored.ts';

/** An event that a channel has not been told of. */
export interface Waiting {
  /** The notification's. */
  readonly id: number;
  readonly eventId: number;
  readonly type: AlertEvent['type'];
  /** What the alert's was then. */
  readonly severity: StoredAlert['alert']['severity'];
  readonly recordedAtMs: number;
  readonly attempts: number;
  readonly firstTriedAtMs: number | null;
}

/** One alert and one channel that is to be told of it. */
export interface Due {
  readonly channel: string;
  readonly stored: StoredAlert;
  /** Oldest first; at least one. */
  readonly waiting: readonly Waiting[];
  /** Whether the channel was told of this alert before, or may have been: an attempt whose answer was lost counts. */
  readonly told: boolean;
}

/** `drop`: nothing is sent, for this reason; `hold`: not yet. */
export type Verdict =
  | { readonly what: 'send' }
  | { readonly what: 'hold'; readonly untilMs: number }
  | { readonly what: 'drop'; readonly as: 'silenced' | 'acknowledged' | 'given_up' };

const send: Verdict = { what: 'send' };

/**
 * What becomes of what waits. However much waits, one notice is sent, of the alert as it is now: a receiver that was away for an hour gets
 * no history. Pure.
 *
 * - That an alert is over is told to whom it may have been told that it is there, silenced or not; to others unless it was silenced then.
 * - While it is silenced nothing of an open alert is sent. Where it is still open when the silence ends, it is told then.
 * - Of an acknowledged one only what is worse than what was acknowledged is told.
 */
export const decide = (due: Due, silences: readonly Silence[], nowMs: number): Verdict => {
  const { stored, waiting, told } = due;
  const { alert, acknowledged } = stored;
  const subject = { id: alert.id, rule: alert.rule, scope: alert.scope, severity: alert.severity };
  const newest = waiting.at(-1) as Waiting;
  // The answer to an attempt may have been lost, so that it was told all the same.
  const mayKnow = told || waiting.some(({ attempts }) => attempts > 0);
  if (newest.firstTriedAtMs !== null && nowMs - newest.firstTriedAtMs >= GIVE_UP_MS)
    return { what: 'drop', as: 'given_up' };
  if (alert.resolvedAt !== null) {
    const silenced = silencesOf(silences, subject, newest.recordedAtMs).length > 0;
    return silenced && !mayKnow ? { what: 'drop', as: 'silenced' } : send;
  }
  if (acknowledged !== null) {
    const worse = waiting.some(
      ({ type, severity }) => type !== 'changed' && rankOf(severity) > rankOf(acknowledged.severity),
    );
    if (!worse) return { what: 'drop', as: 'acknowledged' };
  }
  const silencing = silencesOf(silences, subject, nowMs);
  if (silencing.length > 0)
    return { what: 'hold', untilMs: Math.min(nowMs + SILENCED_LOOK_MS, ...silencing.map(({ endsAt }) => endsAt)) };
  const diagnosedByMs = stored.recordedAt.getTime() + DIAGNOSIS_WAIT_MS;
  if (!told && stored.diagnosis === null && nowMs < diagnosedByMs)
    return { what: 'hold', untilMs: Math.min(nowMs + 1_000, diagnosedByMs) };
  return send;
};
