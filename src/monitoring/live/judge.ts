import type { Signal } from '../detector/signals.ts';
import type { Alert, AlertEvent, Observation, Scope } from '../types.ts';

/** An operator says that what is slow is normal from now on. */
export interface Accept {
  readonly scope: Scope;
  readonly by: string;
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** A slice's present state. */
export interface JudgedSlice {
  readonly scope: Scope;
  /** × normal; null where there is nothing. */
  readonly ratio: number | null;
  readonly band: { readonly low: number; readonly high: number };
  readonly hours: number;
  readonly calculations: number;
  /** On average, and what the same calculations would take normally. */
  readonly rollingMs?: number | null;
  readonly baselineMs?: number | null;
}

/** What a baseline expects of one segment. */
export interface JudgedBaseline {
  readonly workspace: string;
  readonly segment: string;
  /** Of the segment's definition. */
  readonly version: number;
  readonly kinds: readonly string[];
  readonly expectedMs: number;
  readonly calculations: number;
  readonly spread: number;
  /** Epoch milliseconds. */
  readonly lockedUntil: number | null;
}

/** What happened to the baselines altogether. */
export interface BaselinesChange {
  readonly version: number;
  readonly at: number;
  readonly reason: string;
  readonly segments: number;
  readonly change: number;
  readonly by?: string;
  readonly note?: string;
}

/** What live monitoring needs of the detector. The same calls in the same order give the same answers. */
export interface Judge {
  /** ln of × normal; NaN where there is no baseline yet. */
  observe(observation: Observation): number;
  /** What is watched beside calculations. */
  signal(signal: Signal): void;
  /** Time passes. */
  advance(nowMs: number): void;
  accept(accept: Accept): void;
  /** What is to be told since it was last asked. */
  takeEvents(): AlertEvent[];
  /** Plain data, from which it goes on elsewhere. */
  save(): unknown;
  slices(): readonly JudgedSlice[];
  openAlerts(): readonly Alert[];
  baselines(): readonly JudgedBaseline[];
  /** Oldest first. */
  baselineHistory(): readonly BaselinesChange[];
}
