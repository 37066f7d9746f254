import { type Rule, type Scope, SEVERITIES, type Severity } from '../types.ts';
import type { Subject } from './stored.ts';

/** Which alerts it silences, and when: those of which everything that is not null is so. From `startsAt` inside to `endsAt` outside. */
export interface Silence {
  readonly id: number;
  readonly alertId: string | null;
  readonly rule: Rule | null;
  readonly scope: Scope;
  /** The highest severity that it silences; null: any. */
  readonly upTo: Severity | null;
  readonly startsAt: number;
  readonly endsAt: number;
}

export const rankOf = (severity: Severity): number => SEVERITIES.indexOf(severity);

const covers = (wanted: Scope, scope: Scope): boolean =>
  (wanted.kind === undefined || wanted.kind === scope.kind) &&
  (wanted.workspace === undefined || wanted.workspace === scope.workspace) &&
  (wanted.segment === undefined || wanted.segment === scope.segment);

export const matches = (silence: Silence, subject: Subject): boolean =>
  (silence.alertId === null || silence.alertId === subject.id) &&
  (silence.rule === null || silence.rule === subject.rule) &&
  (silence.upTo === null || rankOf(subject.severity) <= rankOf(silence.upTo)) &&
  covers(silence.scope, subject.scope);

/** Those that keep an alert silent at a moment (epoch milliseconds). */
export const silencesOf = (silences: readonly Silence[], subject: Subject, atMs: number): Silence[] =>
  silences.filter((silence) => silence.startsAt <= atMs && atMs < silence.endsAt && matches(silence, subject));
