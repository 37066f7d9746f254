import { invalid } from '../core/errors.ts';
import { parseIsoDate } from '../conditions/dates.ts';
import { parseCondition } from '../conditions/parse.ts';
import type { Condition } from '../conditions/types.ts';
import { readFields, readInteger, readOneOf } from './input.ts';
import { DEFAULT_SAMPLE, MAX_SAMPLE, MAX_WAIT_MS } from './limits.ts';
import { ON_LATE, type OnLate, TRIGGERS, type Trigger } from './resources.ts';

export interface Request {
  readonly trigger: Trigger;
  readonly deadline: Date | null;
  readonly onLate: OnLate;
  readonly waitMs: number;
}

/** PostgreSQL keeps later ones too, but nobody means them. */
const readInstant = (value: unknown, path: string): Date => {
  const ms = typeof value === 'string' ? parseIsoDate(value) : undefined;
  if (ms === undefined)
    throw invalid(`${path} must be an ISO 8601 time`, { path, hint: 'such as 2026-01-31T09:00:00Z' });
  return new Date(ms);
};

/** `{trigger?, deadline?, onLate?, wait?}`; the trigger is `api` where nobody says. Throws 422. */
export const readRequest = (body: unknown): Request => {
  const fields = readFields(body ?? {}, ['trigger', 'deadline', 'onLate', 'wait']);
  const { trigger, deadline, onLate, wait } = fields;
  return {
    trigger: trigger === undefined ? 'api' : readOneOf(trigger, 'trigger', TRIGGERS),
    deadline: deadline === undefined || deadline === null ? null : readInstant(deadline, 'deadline'),
    onLate: onLate === undefined ? 'wait' : readOneOf(onLate, 'onLate', ON_LATE),
    waitMs: wait === undefined ? 0 : readInteger(wait, 'wait', { min: 0, max: MAX_WAIT_MS }),
  };
};

export const readSince = (value: string | undefined): Date | null =>
  value === undefined ? null : readInstant(value, 'since');

export const readPreview = (body: unknown): { condition: Condition; sample: number } => {
  const { condition, sample } = readFields(body, ['condition', 'sample']);
  return {
    condition: parseCondition(condition),
    sample: sample === undefined ? DEFAULT_SAMPLE : readInteger(sample, 'sample', { min: 0, max: MAX_SAMPLE }),
  };
};

export const readExplain = (body: unknown): { condition: Condition; analyze: boolean } => {
  const { condition, analyze } = readFields(body, ['condition', 'analyze']);
  if (analyze !== undefined && typeof analyze !== 'boolean')
    throw invalid('analyze must be true or false', { path: 'analyze' });
  return { condition: parseCondition(condition), analyze: analyze ?? false };
};
