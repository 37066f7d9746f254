import type { Scope } from '../types.ts';
import type { Model } from './baseline.ts';
import type { DetectorConfig } from './config.ts';
import { Look, stretchOf } from './rules.ts';
import type { Names } from './scopes.ts';
import type { Segments } from './segments.ts';
import type { Slice } from './slice.ts';
import { DAY_MS, dayOfBin, hourOfBin } from './time.ts';

/** A slice's present state, for pages and metrics. */
export interface SliceView {
  readonly scope: Scope;
  /** × normal over the short window, which may have widened; null where there is nothing. */
  readonly ratio: number | null;
  /** Within these it is not told from noise. */
  readonly band: { readonly low: number; readonly high: number };
  readonly hours: number;
  readonly calculations: number;
  /** What its calculations take on average, and what they would take normally; null where there is nothing. */
  readonly rollingMs: number | null;
  readonly baselineMs: number | null;
}

/** What a baseline expects of one segment. */
export interface BaselineView {
  readonly workspace: string;
  readonly segment: string;
  readonly version: number;
  readonly kinds: readonly string[];
  readonly expectedMs: number;
  /** Calculations it was made of; 0: borrowed from what is typical for its kinds. */
  readonly calculations: number;
  readonly spread: number;
  /** Until when it stays as it is, because an alert is open or was; null: it may follow. */
  readonly lockedUntil: number | null;
}

/** The short window that ends before `endBin`, or the first twice as long that holds enough. */
export const viewOfSlice = (slice: Slice, model: Model, config: DetectorConfig, endBin: number): SliceView => {
  const known = { spread: model.spread, learned: slice.learned, wobble: slice.noise.wobble, commonWobble: 0 };
  for (let hours = config.windowHours; ; hours *= 2) {
    const look = new Look(stretchOf(slice.window(endBin, hours)), hours, known);
    if (look.own.n < config.minCalculations && hours * 2 <= config.maxWindowHours) continue;
    const half = Number.isFinite(look.error) ? config.sigmas * look.error : 0;
    const ratio = look.own.n > 0 ? Math.exp(look.own.mean) : null;
    return {
      scope: slice.scope,
      ratio,
      band: { low: Math.exp(-half), high: Math.exp(half) },
      hours,
      calculations: look.calculations,
      rollingMs: ratio === null ? null : look.expectedMs * ratio,
      baselineMs: ratio === null ? null : look.expectedMs,
    };
  }
};

/** As they are in the bin that runs. */
export const viewsOfBaselines = (segments: Segments, names: Names, model: Model, bin: number): BaselineView[] =>
  segments.names.map((segment, i) => ({
    workspace: names.workspaces[segments.workspaces[i]!]!,
    segment,
    version: segments.version[i]!,
    kinds: segments.kinds[i]!.map((kind) => names.kinds[kind]!),
    expectedMs: Math.exp(segments.level[i]! + model.rhythm[hourOfBin(bin) % 24]!),
    calculations: segments.learned[i]!,
    spread: segments.spread[i]!,
    lockedUntil: segments.lockedUntil[i]! > dayOfBin(bin) ? (segments.lockedUntil[i]! + 1) * DAY_MS : null,
  }));
