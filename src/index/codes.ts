import { FLOAT_SCALE, OCTAD_DAYS, OCTADS_A_MONTH } from './layout.ts';

/**
 * Order-preserving integer codes of numbers and dates. A code is signed: slices hold its magnitude, the sign slice its sign.
 *
 * A number column of scale s ≥ 0 has the code `value · 10^s`; of FLOAT_SCALE the 63 low bits of the float64, with its sign. Zero
 * has the code 0, whatever its sign. A stored value decodes to exactly itself, and decoding is monotonic over all codes, so a
 * comparison of values is a comparison of codes.
 */

/** The greatest magnitude of a scaled code: integers up to it are exact in float64. */
export const MAX_SCALED_CODE = 2 ** 53;
/** 10^22 is the greatest power of ten that float64 holds exactly, so that `code / 10^s` rounds once. */
export const MAX_SCALE = 22;
/** A column that leaves whole numbers has decimals of money before anything finer. */
const MIN_DECIMAL_SCALE = 2;

const POWERS = Array.from({ length: MAX_SCALE + 1 }, (_, scale) => Number(`1e${scale}`));

const power = (scale: number): number => {
  const value = POWERS[scale];
  if (value === undefined) throw new RangeError(`${scale} is not a scale`);
  return value;
};

/** `value · 10^scale` where that is exact both ways, otherwise undefined. Zero is never negative. */
export const scaledCode = (value: number, scale: number): number | undefined => {
  const factor = power(scale);
  const code = Math.round(value * factor);
  return Math.abs(code) <= MAX_SCALED_CODE && code / factor === value ? code + 0 : undefined;
};

/** The scale that holds `value` exactly, from `scale` up; FLOAT_SCALE where none does or `scale` is that already. */
export const scaleFor = (value: number, scale: number): number => {
  if (scale === FLOAT_SCALE) return FLOAT_SCALE;
  if (scaledCode(value, scale) !== undefined) return scale;
  for (let finer = Math.max(scale + 1, MIN_DECIMAL_SCALE); finer <= MAX_SCALE; finer++)
    if (scaledCode(value, finer) !== undefined) return finer;
  return FLOAT_SCALE;
};

const view = new DataView(new ArrayBuffer(8));
const MAGNITUDE_BITS = (1n << 63n) - 1n;

const floatCode = (value: number): bigint => {
  view.setFloat64(0, value);
  const magnitude = view.getBigUint64(0) & MAGNITUDE_BITS;
  return value < 0 ? -magnitude : magnitude;
};

/** The signed code of a number, or undefined where a column of this scale cannot hold it. */
export const numberCode = (value: number, scale: number): bigint | undefined => {
  if (!Number.isFinite(value)) return undefined;
  if (scale === FLOAT_SCALE) return floatCode(value);
  const code = scaledCode(value, scale);
  return code === undefined ? undefined : BigInt(code);
};

/** The number that a code stands for. */
export const numberOf = (code: bigint, scale: number): number => {
  if (scale !== FLOAT_SCALE) return Number(code) / power(scale);
  const magnitude = code < 0n ? -code : code;
  view.setBigUint64(0, magnitude);
  return code < 0n ? -view.getFloat64(0) : view.getFloat64(0);
};

/** Units of a date column in milliseconds, coarsest first: days, minutes, seconds, milliseconds. */
export const DATE_UNITS_MS = [86_400_000, 60_000, 1000, 1] as const;

/** The unit that holds `ms` exactly, from `unitMs` down. */
export const unitFor = (ms: number, unitMs: number): number =>
  DATE_UNITS_MS.find((unit) => unit <= unitMs && ms % unit === 0) ?? 1;

/** The signed code of a moment, or undefined where a column of this unit cannot hold it. */
export const dateCode = (ms: number, unitMs: number): bigint | undefined =>
  ms % unitMs === 0 ? BigInt(ms / unitMs) : undefined;

/** Days of a leap year before each of its months. */
const DAYS_BEFORE_MONTH = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335];
export const LAST_YEAR_DAY = 365;

/** The day of the year, UTC: 0 to 365 as a leap year counts them, so that 1 March is 60 in every year. */
export const yearDayOf = (ms: number): number => {
  const date = new Date(ms);
  return (DAYS_BEFORE_MONTH[date.getUTCMonth()] ?? Number.NaN) + date.getUTCDate() - 1;
};

/**
 * 32 bits of a text, for columns whose codes are hashes. Stored: it must never change. FNV-1a over UTF-16 units (Fowler, Noll, Vo),
 * with the finish of MurmurHash3 (Appleby), since every slice should halve the candidates.
 */
export const textHash = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** Days since 1970-01-01, UTC. */
export const dayOf = (ms: number): number => Math.floor(ms / 86_400_000);

/** Months since January 1970 of a day since 1970-01-01. */
export const monthOfDay = (day: number): number => {
  const date = new Date(day * 86_400_000);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
};

/** The first day of a month. */
export const firstDayOfMonth = (month: number): number => {
  const date = new Date(0);
  date.setUTCFullYear(1970 + Math.floor(month / 12), month - Math.floor(month / 12) * 12, 1);
  return dayOf(date.getTime());
};

/** Octads since January 1970 of a day: four a month, the last one longer. */
export const octadOfDay = (day: number): number => {
  const month = monthOfDay(day);
  const octad = Math.floor((day - firstDayOfMonth(month)) / OCTAD_DAYS);
  return month * OCTADS_A_MONTH + Math.min(octad, OCTADS_A_MONTH - 1);
};

export const firstDayOfOctad = (octad: number): number => {
  const month = Math.floor(octad / OCTADS_A_MONTH);
  return firstDayOfMonth(month) + (octad - month * OCTADS_A_MONTH) * OCTAD_DAYS;
};
