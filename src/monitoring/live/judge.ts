import type { AlertEvent, Observation, Scope } from '../types.ts';

/** An operator says that what is slow is normal from now on. */
export interface Accept {
  readonly scope: Scope;
  readonly by: string;
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** What live monitoring needs of the detector. The same calls in the same order give the same answers. */
export interface Judge {
  /** ln of × normal; NaN where there is no baseline yet. */
  observe(observation: Observation): number;
  /** Time passes. */
  advance(nowMs: number): void;
  accept(accept: Accept): void;
  /** What is to be told since it was last asked. */
  takeEvents(): AlertEvent[];
  /** Plain data, from which it goes on elsewhere. */
  save(): unknown;
}
