/** Bounds of alerting, with their units. */

/** An opening notice waits this long for the alert's diagnosis; then it goes without. */
export const DIAGNOSIS_WAIT_MS = 20_000;
