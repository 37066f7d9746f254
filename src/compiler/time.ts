import type { Parameters } from './parameters.ts';

/** PostgreSQL's timestamps reach from 4713 BC; nothing that the service accepts is as old. */
const FIRST_YEAR = -4000;
const LAST_YEAR = 200_000;

/**
 * A moment, in epoch milliseconds, as PostgreSQL reads it, exact to the millisecond: years before 1 and beyond 9999 are not
 * written as JavaScript writes them.
 */
export const formatTimestamp = (ms: number): string => {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  if (Number.isNaN(year)) return ms < 0 ? '-infinity' : 'infinity';
  if (year < FIRST_YEAR) return '-infinity';
  if (year > LAST_YEAR) return 'infinity';
  const rest = date.toISOString().replace(/^[+-]?\d+/, '');
  return `${String(year > 0 ? year : 1 - year).padStart(4, '0')}${rest}${year > 0 ? '' : ' BC'}`;
};

export const timestamp = (parameters: Parameters, ms: number): string =>
  parameters.add(formatTimestamp(ms), 'timestamptz');
