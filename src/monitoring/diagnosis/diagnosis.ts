/** What a diagnosis says. Stored with its alert as JSON. */

export const CAUSES = [
  'lock_waits',
  'index_missing',
  'settings_changed',
  'vacuum_held_back',
  'visibility_map_spoiled',
  'bloat',
  'plan_changed',
  'temporary_files',
  'pending_changes',
  'pool_saturated',
  'cache_or_io',
  'growth',
  'noisy_workspace',
  'whole_database',
  'unknown',
] as const;
export type Cause = (typeof CAUSES)[number];

/** `high`: what was found explains it by itself; `medium`: it fits; `low`: nothing better was found. */
export type Confidence = 'high' | 'medium' | 'low';

/** One value that speaks for it, before and now. */
export interface Fact {
  readonly what: string;
  /** Null where it was not looked at before. */
  readonly before: number | string | null;
  readonly now: number | string | null;
}

export interface Remedy {
  readonly text: string;
  /** What may be run as it stands, where that is safe. */
  readonly sql?: string;
}

export interface Finding {
  readonly cause: Cause;
  readonly confidence: Confidence;
  /** For people: what is so, since when or by whom. */
  readonly sentence: string;
  readonly evidence: readonly Fact[];
  readonly remedy: Remedy;
}

/** The likely cause, and what else was found. */
export interface Diagnosis extends Finding {
  readonly also: readonly Finding[];
  readonly capturedAt: number;
  /** What it was compared with; null: with nothing, as nothing had been captured before it began. */
  readonly comparedWith: number | null;
  /** What could not be looked at. */
  readonly errors: readonly { readonly part: string; readonly message: string }[];
}
