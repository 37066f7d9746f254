/** What goes to a worker thread and comes back: plain data, as threads share nothing else. */
import type { Condition } from '../conditions/types.ts';
import { EvenkeelError } from '../core/errors.ts';
import type { Known } from './memory.ts';
import type { Problem, Trigger } from './resources.ts';

export interface CalculateTask {
  readonly kind: 'calculate';
  readonly id: number;
  readonly workspaceId: number;
  readonly segmentId: number;
  readonly segmentKey: string;
  readonly trigger: Trigger;
  readonly processId: string;
  readonly attempt: number;
  /** Whether the main thread would calculate the segment by itself next time, and is to be told how. */
  readonly teach?: boolean;
}
export interface PreviewTask {
  readonly kind: 'preview';
  readonly workspaceId: number;
  readonly condition: Condition;
  readonly sample: number;
}
export interface ExplainTask {
  readonly kind: 'explain';
  readonly workspaceId: number;
  readonly condition: Condition;
  readonly analyze: boolean;
}
export interface MemberTask {
  readonly kind: 'member';
  readonly workspaceId: number;
  readonly segmentKey: string;
  readonly userId: string;
}
export type QuestionTask = PreviewTask | ExplainTask | MemberTask;
export type Task = CalculateTask | QuestionTask;

export interface PhasesMs {
  readonly freshen: number;
  readonly compile: number;
  readonly query: number;
  readonly store: number;
}

export interface Succeeded {
  readonly outcome: 'succeeded';
  readonly snapshotId: number;
  readonly segmentVersion: number;
  readonly asOf: number;
  /** By the database's clock, epoch milliseconds. */
  readonly finishedAt: number;
  readonly population: number;
  readonly members: number;
  readonly entered: number;
  readonly left: number;
  readonly kinds: readonly string[];
  readonly phasesMs: PhasesMs;
  /** For whoever asked to be taught. */
  readonly known?: Known;
}
export interface Failed {
  readonly outcome: 'failed';
  readonly retry: boolean;
  readonly problem: Problem;
  readonly kinds?: readonly string[];
}
/** Cancelled or taken over meanwhile: somebody else has written the row. */
export interface Lost {
  readonly outcome: 'lost';
}
export type Outcome = Succeeded | Failed | Lost;

/** An error on its way out of a thread: a class does not survive it. */
export interface Refusal extends Problem {
  readonly status: number;
  readonly path?: string;
}
export type Answer = { readonly value: unknown } | { readonly refusal: Refusal };

export const refusalOf = (error: EvenkeelError): Refusal => ({
  status: error.status,
  code: error.code,
  message: error.message,
  ...(error.path === undefined ? {} : { path: error.path }),
  ...(error.hint === undefined ? {} : { hint: error.hint }),
});

export const refusalError = ({ status, code, message, path, hint }: Refusal): EvenkeelError =>
  new EvenkeelError(status, code, message, {
    ...(path === undefined ? {} : { path }),
    ...(hint === undefined ? {} : { hint }),
  });
