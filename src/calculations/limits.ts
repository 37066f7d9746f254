/** Bounds of the calculations room, with their units. */

export const MAX_SEGMENTS = 10_000; // a workspace
export const MAX_NAME_LENGTH = 255;
export const MAX_DESCRIPTION_LENGTH = 4_000;

/** A request's `wait`: shorter than what proxies allow a response to take. */
export const MAX_WAIT_MS = 60_000;
/** Claims of one calculation, the first included. */
export const MAX_ATTEMPTS = 5;
export const RETRY_BASE_MS = 100;
export const RETRY_MAX_MS = 10_000;

export const HEARTBEAT_MS = 2_000;
/** A process that is silent for this long has lost what it was running. Five heartbeats. */
export const LEASE_MS = 10_000;
/** A running row that its own process does not hold: left alone while its claim may still be on its way back. */
export const CLAIM_GRACE_MS = 5_000;
/** How long a request that waits leaves its calculation alone before it looks by itself. */
export const FIRST_LOOK_MS = 50;
/** How long the times that include the commit are collected, for one statement to write them. */
export const LATE_TIMES_MS = 250;
/** Only for pokes that were lost with a connection. */
export const POLL_MS = 1_000;
export const RECONNECT_BASE_MS = 100;
export const RECONNECT_MAX_MS = 5_000;

export const DEFAULT_STATEMENT_TIMEOUT_MS = 60_000;
/** A statement that matches a regular expression, over a dictionary of 2,000,000 values or over rows. A usual one takes 1–2 µs a value. */
export const PATTERN_STATEMENT_MS = 10_000;
/** Reading the regular expressions of one condition, when it is written. */
export const PATTERN_CHECK_MS = 1_000;
/** Previews, explanations and memberships that wait for a thread; more are told to come back. */
export const MAX_WAITING_QUESTIONS = 1_000;
/** Prepared statements of one connection; then it is replaced, as each holds memory in the server. */
export const MAX_PREPARED = 250;
/** Segments whose expanded conditions and catalogues a thread remembers: some 2 kB each, of a long list or 1,000 codes more. */
export const MAX_REMEMBERED_SEGMENTS = 1_000;
/** What the main thread calculates by itself, as a thread of the pool is as far away as the database: decision 0040. */
export const MAX_QUICK_QUERY_MS = 20;
export const MAX_QUICK_LEAVES = 16;
export const MAX_QUICK_SEGMENTS = 200;
export const WORKER_HEAP_MB = 512;
/** How long a stopping process waits for what it is running. */
export const DRAIN_MS = 10_000;

export const DEFAULT_SAMPLE = 10;
export const MAX_SAMPLE = 100;

export const DEFAULT_LIST_LIMIT = 50;
export const MAX_LIST_LIMIT = 500;
export const DEFAULT_MEMBERS_LIMIT = 1_000;
export const MAX_MEMBERS_LIMIT = 10_000;
export const MAX_MEMBER_PROPERTIES = 100;
/** Bitmaps that a stream reads at once: 8 × 4 kB. */
export const STREAM_CHUNKS = 8;
/** Users that a stream fetches at once; fewer where their properties, up to 32 kB each, come along. */
export const STREAM_USERS = 2_000;
export const STREAM_USERS_WITH_PROPERTIES = 500;

/** Kept: the newest so many of a segment, all younger than an hour, all read lately, and pinned ones. */
export const KEEP_SNAPSHOTS = 20;
export const KEEP_SNAPSHOTS_MS = 3_600_000;
export const KEEP_READ_MS = 600_000;
export const RETENTION_MS = 60_000;
/** Snapshots that one retention statement deletes. */
export const RETENTION_BATCH = 20;
/** Calculations are the record of what ran, and facts what is watched of them for longer. */
export const DEFAULT_CALCULATION_DAYS = 90;
/** How often it is looked for calculations that are older: they are gone through by id, as they have no index by time. */
export const OLD_CALCULATIONS_MS = 6 * 3_600_000;
/** Calculations that one statement looks at. */
export const OLD_CALCULATIONS_PAGE = 2_000;

/** `refresh.every`. */
export const MIN_REFRESH_MS = 60_000;
export const MAX_REFRESH_MS = 366 * 86_400_000;
/** How often each process looks for segments that are due. */
export const SCHEDULE_POLL_MS = 1_000;
/** Due segments that one look takes, so that others come in between. */
export const DUE_BATCH = 200;
/** After a failure in a row of n: 2^n minutes, up to an hour or to the segment's own interval. */
export const FAILURE_BASE_MS = 60_000;
export const FAILURE_MAX_MS = 3_600_000;
/** Waiting calculations with deadlines that one more is planned around. */
export const MAX_PLANNED_AROUND = 1_000;
/** What a waiting calculation may take of which nothing was expected. */
export const UNKNOWN_HIGH_MS = 1_000;

/** Ids on one list, and in one upload as often as they come. */
export const MAX_LIST_IDS = 5_000_000;
/** Ids that one statement stages, and that one fetches for a stream. */
export const LIST_BATCH = 10_000;
export const DEFAULT_LIST_IDS_LIMIT = 1_000;
export const MAX_LIST_IDS_LIMIT = 10_000;
/** An upload that met an erasure or a deletion in another order of locks is applied again. */
export const MAX_UPLOAD_ATTEMPTS = 3;

/** As the ingest room takes them. */
export const MAX_USER_ID_LENGTH = 255;
/** Uploads of lists that one process applies at once, each with a connection of the doors'; more are told to come back. */
export const MAX_UPLOADS = 3;
