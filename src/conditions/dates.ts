/** ISO 8601 dates as the condition language reads them: one strict form, so that the index, the rows and the parser agree. */

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SECOND_MS = 1000;

const DATE_LENGTH = 'YYYY-MM-DD'.length;
const MIN_TIME_LENGTH = 'YYYY-MM-DDTHH:MM'.length;
const MAX_LENGTH = 'YYYY-MM-DDTHH:MM:SS.fffffffff+HH:MM'.length;
const MAX_OFFSET_HOURS = 15;

const DASH = 0x2d;
const COLON = 0x3a;
const DOT = 0x2e;
const PLUS = 0x2b;
const ZERO = 0x30;

/** The number that `length` ASCII digits from `at` write, or −1. */
const digits = (text: string, at: number, length: number): number => {
  let value = 0;
  for (let i = at; i < at + length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    // NaN, past the end, is not inside either
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
};

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

const daysInMonth = (year: number, month: number): number => {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
};

/**
 * Days from 1970-01-01 in the proleptic Gregorian calendar. `Date.UTC` would take the years 0 to 99 for 1900 to 1999.
 * Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil; years count from 1 March.
 */
const daysFromEpoch = (year: number, month: number, day: number): number => {
  const marchYear = month <= 2 ? year - 1 : year;
  const century = Math.floor(marchYear / 400);
  const yearOfCentury = marchYear - century * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfCentury =
    yearOfCentury * 365 + Math.floor(yearOfCentury / 4) - Math.floor(yearOfCentury / 100) + dayOfYear;
  return century * 146_097 + dayOfCentury - 719_468;
};

/** Milliseconds east of UTC that `text` from `at` to its end writes: `` (UTC), `Z`, `±HH:MM`, `±HHMM` or `±HH`. */
const offsetMs = (text: string, at: number): number | undefined => {
  const length = text.length - at;
  if (length === 0) return 0;
  if (length === 1) return text[at] === 'Z' ? 0 : undefined;
  const sign = text.charCodeAt(at);
  if (sign !== PLUS && sign !== DASH) return undefined;
  const withColon = text.charCodeAt(at + 3) === COLON;
  if (length !== (withColon ? 6 : 5) && length !== 3) return undefined;
  const hours = digits(text, at + 1, 2);
  const minutes = length === 3 ? 0 : digits(text, at + (withColon ? 4 : 3), 2);
  if (hours < 0 || hours > MAX_OFFSET_HOURS || minutes < 0 || minutes > 59) return undefined;
  const ms = hours * HOUR_MS + minutes * MINUTE_MS;
  return sign === PLUS ? ms : -ms;
};

/** What follows the date, from the `T` on, in milliseconds to add to its midnight UTC. */
const timeMs = (text: string): number | undefined => {
  const separator = text[DATE_LENGTH];
  if ((separator !== 'T' && separator !== ' ') || text.length < MIN_TIME_LENGTH || text.charCodeAt(13) !== COLON)
    return undefined;
  const hours = digits(text, 11, 2);
  const minutes = digits(text, 14, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return undefined;
  let ms = hours * HOUR_MS + minutes * MINUTE_MS;
  let at = MIN_TIME_LENGTH;
  if (text.charCodeAt(at) === COLON) {
    const seconds = digits(text, at + 1, 2);
    if (seconds < 0 || seconds > 59) return undefined;
    ms += seconds * SECOND_MS;
    at += 3;
    if (text.charCodeAt(at) === DOT) {
      let length = 0;
      while (length < 9 && digits(text, at + 1 + length, 1) >= 0) length++;
      if (length === 0) return undefined;
      // digits beyond milliseconds are cut off: a moment belongs to the millisecond that it lies in
      const kept = Math.min(length, 3);
      ms += digits(text, at + 1, kept) * 10 ** (3 - kept);
      at += 1 + length;
    }
  }
  const offset = offsetMs(text, at);
  return offset === undefined ? undefined : ms - offset;
};

/**
 * Epoch milliseconds of an ISO 8601 date, or undefined where `text` is none.
 *
 * Exactly `YYYY-MM-DD` (midnight UTC) or `YYYY-MM-DD(T| )HH:MM[:SS[.f{1,9}]][Z|±HH:MM|±HHMM|±HH]`, years 0001 to 9999, a real
 * day of the calendar, no leap seconds, offsets up to ±15:59, no zone = UTC.
 *
 * Folding asks this of every text value, so length and dashes are looked at first. Measured (Node 20, a busy machine of 2 cores): 5 ns
 * for a text that is no date, 80–100 ns for a date; one regular expression with a `Date` takes 55 ns and 900 ns.
 */
export const parseIsoDate = (text: string): number | undefined => {
  const length = text.length;
  if (length < DATE_LENGTH || length > MAX_LENGTH) return undefined;
  if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  const time = length === DATE_LENGTH ? 0 : timeMs(text);
  return time === undefined ? undefined : daysFromEpoch(year, month, day) * DAY_MS + time;
};

const FIRST_MS = -62_135_596_800_000;
const LAST_MS = 253_402_300_799_999;
const WIDEST_OFFSET_MS = MAX_OFFSET_HOURS * HOUR_MS + 59 * MINUTE_MS;
/** The first moment that a date can name: 0001-01-01T00:00+15:59. */
export const EARLIEST_MS = FIRST_MS - WIDEST_OFFSET_MS;

/**
 * The text that `parseIsoDate` reads as `ms`: `2026-01-31T09:00:00.000Z`. Moments that only an offset reaches, in the year 0 or
 * 10000 of UTC, are written with one.
 */
export const formatIsoDate = (ms: number): string => {
  if (ms >= FIRST_MS && ms <= LAST_MS) return new Date(ms).toISOString();
  const [shift, zone] = ms < FIRST_MS ? [WIDEST_OFFSET_MS, '+15:59'] : [-WIDEST_OFFSET_MS, '-15:59'];
  return new Date(ms + shift).toISOString().replace('Z', zone);
};
