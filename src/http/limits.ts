/** Bounds of the doors, with their units. Those of messages are the ingest room's. */
export const MAX_JSON_BYTES = 1024 * 1024;
export const MAX_PAGE_LIMIT = 10_000;
