import { EVENT_NAME } from '../data/events.ts';

/** The conditions that are measured, as a caller writes them. Each peer says the same in its own language. */

export const QUERIES = ['is_set', 'tree5', 'range', 'contains', 'event1', 'event3'] as const;
export type Query = (typeof QUERIES)[number];

/** Thresholds of the conditions, for the peers' statements. */
export const LTV_ABOVE = 100;
export const LTV_RANGE = [50, 200] as const;
export const EMAIL_PART = '@no.';
export const WINDOW_DAYS = 30;
export const OFTEN = 3;

const property = (name: string, operator: string, value?: unknown): object =>
  value === undefined
    ? { type: 'property', property: name, operator }
    : { type: 'property', property: name, operator, value };

const bought = (atLeast: number): object => ({
  type: 'event',
  event: EVENT_NAME,
  count: { atLeast },
  within: { last: { days: WINDOW_DAYS } },
});

export const CONDITIONS: Readonly<Record<Query, object>> = {
  is_set: property('ltv', 'is_set'),
  tree5: {
    type: 'all',
    of: [
      { type: 'any', of: [property('plan', 'equals', 'pro'), property('plan', 'equals', 'team')] },
      property('ltv', 'greater_than', LTV_ABOVE),
      { type: 'not', of: property('country', 'equals', 'DE') },
      property('subscribed', 'equals', true),
    ],
  },
  range: property('ltv', 'between', LTV_RANGE),
  contains: property('email', 'contains', EMAIL_PART),
  event1: bought(1),
  event3: bought(OFTEN),
};

const EVENT_QUERIES: readonly Query[] = ['event1', 'event3'];
export const readsEvents = (query: Query): boolean => EVENT_QUERIES.includes(query);
