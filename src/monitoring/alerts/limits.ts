/** Bounds of alerting, with their units. */

/** An opening notice waits this long for the alert's diagnosis; then it goes without. */
export const DIAGNOSIS_WAIT_MS = 20_000;

/** How often a process looks for notices that are due. */
export const SENDER_POLL_MS = 1_000;
/** Notices of one channel that are sent at the same time. */
export const MAX_SENDING = 4;
/** From connecting to the end of the answer. */
export const SEND_TIMEOUT_MS = 10_000;
/** What is read of an answer; the rest is not. */
export const MAX_ANSWER_BYTES = 64 * 1024;
/** For so long nobody else sends a notice that a process has taken. */
export const SEND_LEASE_MS = 60_000;
/** A process that was stopped for so long after it took a notice does not send it any more: its lease may end meanwhile. */
export const MAX_TAKEN_MS = SEND_LEASE_MS - 2 * SEND_TIMEOUT_MS;

/** Back-off of a notice that could not be sent: doubles from the first to the last, give or take half. */
export const RETRY_FIRST_MS = 5_000;
export const RETRY_LAST_MS = 600_000;
/** What a receiver may ask for by Retry-After. */
export const MAX_RETRY_AFTER_MS = 3_600_000;
/** A notice that could not be sent for so long after its first attempt is given up. */
export const GIVE_UP_MS = 86_400_000;
/** While an alert is silenced its notices are looked at this often: a silence may be ended early. */
export const SILENCED_LOOK_MS = 10_000;
/** How long the mark that a notice was sent is tried again where the database is away, before the service stops. */
export const MARK_RETRY_MS = 500;
export const MARK_ATTEMPTS_STOPPING = 10;

/** Alertmanager is told of an open alert this often, as Prometheus does, and forgets one that it is not told of for four times that. */
export const RESEND_MS = 60_000;
export const RESEND_PERIODS = 4;
/** Alerts in one request. */
export const RESEND_BATCH = 64;
/** Open alerts that are said again. More would mean that grouping by cause does not work. */
export const MAX_RESENT = 1_000;

/** A silence ends, and not much later than a holiday. */
export const MAX_SILENCE_MS = 30 * 86_400_000;
export const MAX_SILENCES = 1_000;
export const MAX_REASON_CHARACTERS = 2_000;
export const MAX_NAME_CHARACTERS = 255;

export const DEFAULT_PAGE = 50;
export const MAX_PAGE = 500;
/** Of one alert, with its details. */
export const MAX_EVENTS_SHOWN = 1_000;

/** Streams of events that one process serves at the same time, how often it looks for them what is new, and how much it reads at once. */
export const MAX_STREAMS = 200;
export const FEED_POLL_MS = 1_000;
export const FEED_BATCH = 100;

/** Alerts that are over are kept for so long, and how often one looks for older ones. */
export const RETENTION_MS = 400 * 86_400_000;
export const HOUSEKEEPING_MS = 3_600_000;
