import { smallestUnit, TIME_UNITS, type TimeUnit, UNIT_MS } from '../../conditions/units.ts';
import type { ExpandedCondition } from '../../conditions/types.ts';
import { invalid } from '../../core/errors.ts';
import { didYouMean } from '../../core/suggest.ts';
import { MAX_REFRESH_MS, MIN_REFRESH_MS } from '../limits.ts';

/** How often a segment is recalculated by itself, as callers write it: `"auto"` or `{"every":{"hours":1}}`. */
export type Refresh = 'auto' | { readonly every: { readonly [U in TimeUnit]?: number } };

/** `auto`, by the smallest unit of time in the condition: a small part of the unit, so that a boundary is seen soon after it has passed. */
export const AUTO_MS: Readonly<Record<TimeUnit, number>> = {
  minutes: 60_000,
  hours: 600_000,
  days: 3_600_000,
  weeks: 21_600_000,
};
/** `auto`, of a condition without units of time: how often it is looked whether its data has changed. */
export const AUTO_DATA_MS = 300_000;

const HINT = 'such as {"every": {"hours": 1}} or "auto"; null for none';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Throws 422 for all else; null, or left out, is none. */
export const readRefresh = (value: unknown, path = 'refresh'): Refresh | null => {
  if (value === undefined || value === null) return null;
  if (value === 'auto') return 'auto';
  if (!isObject(value)) throw invalid(`${path} must be "auto" or an object with "every"`, { path, hint: HINT });
  const unknown = Object.keys(value).find((field) => field !== 'every');
  if (unknown !== undefined)
    throw invalid(`unknown field "${unknown.slice(0, 64)}"`, {
      path: `${path}.${unknown.slice(0, 64)}`,
      ...didYouMean(unknown, ['every']),
    });
  return { every: readEvery(value['every'], `${path}.every`) };
};

const readEvery = (value: unknown, path: string): { readonly [U in TimeUnit]?: number } => {
  const entries = isObject(value) ? Object.entries(value) : [];
  const [unit, count] = entries[0] ?? [];
  if (unit === undefined || entries.length !== 1 || !(TIME_UNITS as readonly string[]).includes(unit))
    throw invalid(`${path} must give exactly one of ${TIME_UNITS.join(', ')}`, { path, hint: HINT });
  const at = { path: `${path}.${unit}` };
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 1)
    throw invalid(`${at.path} must be a whole number of at least 1`, at);
  const ms = count * UNIT_MS[unit as TimeUnit];
  if (ms < MIN_REFRESH_MS || ms > MAX_REFRESH_MS)
    throw invalid(`${at.path} must not be more than ${MAX_REFRESH_MS / UNIT_MS.days} days`, at);
  return { [unit]: count };
};

export interface Plan {
  readonly intervalMs: number;
  /** Only the data can change who is a member: where none has changed there is nothing to do. */
  readonly dataOnly: boolean;
}

/** What a segment's `refresh` means for the condition that it has now, those of the segments it names included. */
export const planOf = (refresh: Refresh, condition: ExpandedCondition): Plan => {
  if (refresh !== 'auto') {
    const [unit, count] = Object.entries(refresh.every)[0] as [TimeUnit, number];
    return { intervalMs: count * UNIT_MS[unit], dataOnly: false };
  }
  const unit = smallestUnit(condition);
  return unit === undefined
    ? { intervalMs: AUTO_DATA_MS, dataOnly: true }
    : { intervalMs: AUTO_MS[unit], dataOnly: false };
};
