/** Bounds of the doors, with their units. Those of ingestion are Segment's. */
export const MAX_JSON_BYTES = 1024 * 1024;
export const MAX_BATCH_BYTES = 500_000;
export const MAX_MESSAGE_BYTES = 32_000;
export const MAX_PAGE_LIMIT = 10_000;
