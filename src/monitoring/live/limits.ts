/** Bounds of the live part of monitoring, with their units. */

/** How often the leader takes in what has ended. An hour's window does not miss ten seconds, and each step reads and writes the present sums. */
export const STEP_MS = 10_000;
/** Facts of one step: its transaction and the memory for it. */
export const STEP_FACTS = 5_000;
/** A calculation that has ended is left so long: its times with the commit are written within 250 ms, and others commit in another order. */
export const GRACE_MS = 1_500;
/** The stream's time stays so far behind the clock, so that what ends now is not late when it is read. */
export const BEHIND_MS = 3_000;
/** Samples of waits are judged that are at most so much older than the step before: they come later than they say, by their commit. */
export const SAMPLES_BEFORE_MS = 300_000;
/** How often a process that does not lead asks whether it may, and what the leader shows. */
export const STANDBY_POLL_MS = 1_000;
/** A leader that is silent for so long hangs: another one ends its session and takes over. Three steps. */
export const LEASE_MS = 30_000;
export const RETRY_BASE_MS = 500;
export const RETRY_MAX_MS = 30_000;

/** What is shown of the slices is looked up so often in the stream's time, and whenever there is something to tell. */
export const SHOW_MS = 30_000;

/** The detector is saved so often: what came since is judged again, and not told again, when another process takes over. */
export const SAVE_MS = 300_000;
/** And after so many facts, which take about half a second to repeat. */
export const SAVE_FACTS = 50_000;

/** Where no saved state can be read the detector learns from the facts of so many days: its reference of 21, that ends 7 days ago. */
export const RELEARN_DAYS = 28;

/** How often partitions are made and dropped. */
export const MAINTENANCE_MS = 600_000;
/** Making or dropping a partition waits so long for those who use the table, so that nobody waits long behind it. */
export const PARTITION_LOCK_TIMEOUT_MS = 500;
/** Days for which there are partitions already. */
export const DAYS_AHEAD = 3;

export const DEFAULT_FACT_DAYS = 45;
export const DEFAULT_MINUTE_DAYS = 14;
export const DEFAULT_HOUR_DAYS = 400;

/** Characters of an operator's reason. */
export const MAX_ACCEPT_REASON = 1_000;
