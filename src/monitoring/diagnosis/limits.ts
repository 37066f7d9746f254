/** Bounds of what a diagnosis costs, with their units, and where its rules draw their lines. */

/** One capture as a whole, within what an opening notice waits for its diagnosis; what does not fit is left out, and said. */
export const CAPTURE_BUDGET_MS = 15_000;
/** Any one of its statements. */
export const CAPTURE_STATEMENT_MS = 5_000;
/** It waits for no lock longer than this: that a lock is held is found by looking at who waits. */
export const CAPTURE_LOCK_MS = 500;
/** Segments that are explained: of an alert those in its scope, and those out of it; of a baseline one or two of each kind. */
export const MAX_AFFECTED = 3;
export const MAX_UNAFFECTED = 1;
export const MAX_SAMPLES = 16;
/** The latest calculations that tell which segments there are, and of each segment those that its phases are taken from. */
export const RECENT_CALCULATIONS = 5_000;
export const PHASE_CALCULATIONS = 15;
export const MAX_HOLDERS = 5;
export const MAX_WORKSPACES = 50;
export const MAX_PENDING_COUNTED = 200_000;

/** How often it is looked at who works and waits, and for how long that is remembered. */
export const SAMPLE_EVERY_MS = 5_000;
export const SAMPLES_KEPT = 120;

/** The first baseline waits until the service has run for a while: what has just started is not usual. */
export const FIRST_BASELINE_AFTER_MS = 10 * 60_000;
/** With no alert open a baseline is captured so often. */
export const BASELINE_EVERY_MS = 20 * 3_600_000;
/** A baseline is compared with that was captured so long before an alert's onset, if there is one. */
export const BASELINE_BEFORE_ONSET_MS = 24 * 3_600_000;
export const KEEP_EVIDENCE_MS = 100 * 24 * 3_600_000;
/** How often alerts without a diagnosis are looked for. */
export const LOOK_EVERY_MS = 2_000;
