/** Bounds of the ingest room, with their units. Lengths of text are UTF-16 units. */

export const MAX_ID_LENGTH = 255; // userId, anonymousId, messageId, event
export const MAX_KEY_LENGTH = 255;
/** A property's whole path: PostgreSQL indexes values up to a third of a page. */
export const MAX_PATH_BYTES = 2_000;
/** Objects inside each other in properties; lists are values and may be deeper. */
export const MAX_PROPERTY_DEPTH = 8;
export const MAX_USER_PROPERTIES_BYTES = 256 * 1024;

/** Segment's limits. */
export const MAX_MESSAGE_BYTES = 32 * 1024;
export const MAX_BATCH_BYTES = 500 * 1024;
export const MAX_BATCH_MESSAGES = 2_500;

/** Operations and their bytes that one transaction applies; a single request may be larger. */
export const MAX_GROUP_OPERATIONS = 5_000;
export const MAX_GROUP_BYTES = 8 * 1024 * 1024;
/** Of all requests that wait for a transaction: beyond it they are told to come back. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** Transactions of one Intake at once, and those of one workspace: while PostgreSQL stores one group, the next is made ready. */
export const MAX_TRANSACTIONS = 4;
export const MAX_WORKSPACE_TRANSACTIONS = 2;
/** So many operations are worth a transaction beside one that runs. */
export const MIN_BESIDE_OPERATIONS = 100;

/** A failed transaction is run again so often: about 4 s in all, a database's restart. */
export const MAX_APPLY_ATTEMPTS = 8;
export const RETRY_BASE_MS = 25;
export const RETRY_MAX_MS = 2_000;
/** Runs of one group that found users erased or names new meanwhile. */
export const MAX_APPLY_ROUNDS = 20;

/** So many users who are created together are brought into the bitmaps at once; fewer are left to the next fold. */
export const MIN_FOLDED_AT_ONCE = 1_000;

/** Events of these months have a partition of their own; all others lie in `events_default`. */
export const FIRST_PARTITION_YEAR = 1990;
export const LAST_PARTITION_YEAR = 2100;
/** A partition waits this long for those who read `events`, so that nobody waits long behind it. */
export const PARTITION_LOCK_TIMEOUT_MS = 500;
export const PARTITION_ATTEMPTS = 60;

export const MAX_IMPORT_BYTES = 10 * 1024 ** 3;
export const MAX_LINE_BYTES = 1024 * 1024;
/** Read from the spooled file at once. */
export const READ_BYTES = 256 * 1024;
/** Lines that one transaction of an import applies, and their bytes. */
export const IMPORT_BATCH_LINES = 16_000;
export const IMPORT_BATCH_BYTES = 8 * 1024 * 1024;
/** Rows, and their bytes, that are read to find out the types of a CSV's columns. */
export const DETECTION_ROWS = 10_000;
export const DETECTION_BYTES = 16 * 1024 * 1024;
export const MAX_COLUMNS = 2_000;
export const MAX_REPORTED_ERRORS = 100;
/** An import with more bad lines is the wrong file or has the wrong options: it ends, and the next one has its turn. */
export const MAX_REJECTED_LINES = 1_000_000;
/** Of the file of rejected lines; what comes after is counted and not kept. */
export const MAX_REJECTED_BYTES = 100 * 1024 * 1024;
export const PROGRESS_MS = 1_000;
/** Quoted fields of one file that never end, each found by reading MAX_LINE_BYTES in vain. */
export const MAX_UNCLOSED_QUOTES = 100;
/** A spooled file that nothing refers to is deleted when it is this old. */
export const SPOOL_REMAINS_MS = 24 * 3_600_000;

/** Erased and merged users that one transaction takes out of late snapshots, while nobody is created. */
export const DEPARTURES_A_TURN = 100;
/** An erasure that a deadlock ended is run again. */
export const MAX_ERASE_ATTEMPTS = 5;

/**
 * Until then, and until there are so many of them, changes that calculations correct by themselves are left to be folded together: a fold
 * rewrites every slice of every chunk that was touched, be it for one user or for a thousand. Decision 0015. It is short, since the
 * names and coverage that builders of conditions are shown come from the bitmaps; where writes go on, the rests space the folds.
 */
export const FOLD_AFTER_MS = 500;
export const FOLD_MARKS = 2_000;
/** After a fold the next one waits for so many times what it took: folding has a fifth of a core at most. */
export const FOLD_REST = 4;
/** How often it is looked in all workspaces which leaves bitmaps are to be kept of. */
export const KEEP_EVERY_MS = 60_000;
/** How often what others left is looked for. */
export const BACKGROUND_POLL_MS = 1_000;
export const BACKGROUND_THREADS = 2;
export const BACKGROUND_HEAP_MB = 768;
export const BACKGROUND_RETRY_BASE_MS = 500;
export const BACKGROUND_RETRY_MAX_MS = 60_000;
export const HEARTBEAT_MS = 2_000;
/** A process that is silent for this long has lost its import. Five heartbeats. */
export const LEASE_MS = 10_000;
/** How long a stopping service waits for folds that run; imports are ended at once, as they begin again. */
export const DRAIN_MS = 5_000;

/** Ids of one uploaded list, as often as they come, and its bytes: ids of the greatest length with their line ends. */
export const MAX_IDS = 5_000_000;
export const MAX_IDS_BYTES = 2 * 1024 ** 3;
/** A list as JSON is read as a whole. */
export const MAX_JSON_LIST_BYTES = 16 * 1024 * 1024;
/** Ids that are given on at once. */
export const IDS_BATCH = 10_000;
/** Bad lines of a list that its error names. */
export const MAX_NAMED_LINES = 5;
