import { formatIsoDate } from './dates.ts';
import type { Condition, CountRange, Duration, EventFilter, NumberRange, PropertyCondition, Window } from './types.ts';

/** JSON of the condition language, as callers write it. */
export interface ConditionJson {
  readonly [field: string]: unknown;
  readonly type: string;
}

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['weeks', 604_800_000],
  ['days', 86_400_000],
  ['hours', 3_600_000],
  ['minutes', 60_000],
];

/** In the largest unit that holds it whole; all durations of the language are whole minutes. */
const durationJson = ({ ms }: Duration): Record<string, number> => {
  if (ms === 0) return { days: 0 };
  const [name, unitMs] = UNITS.find(([, unit]) => ms % unit === 0) ?? ['minutes', 60_000];
  return { [name]: ms / unitMs };
};

const countJson = ({ low, high }: CountRange): Record<string, unknown> => {
  if (high === null) return { atLeast: low };
  if (low === high) return { exactly: low };
  return low === 0 ? { atMost: high } : { between: [low, high] };
};

const rangeJson = ({ low, high }: NumberRange): Record<string, unknown> => {
  if (high === null) return { atLeast: low };
  if (low === null) return { atMost: high };
  return low === high ? { exactly: low } : { between: [low, high] };
};

const windowJson = (window: Window): Record<string, unknown> => {
  if ('last' in window) return { last: durationJson(window.last) };
  return {
    ...(window.from === undefined ? {} : { from: formatIsoDate(window.from) }),
    ...(window.to === undefined ? {} : { to: formatIsoDate(window.to) }),
  };
};

const withinJson = (window: Window): Record<string, unknown> => {
  const within = windowJson(window);
  return Object.keys(within).length === 0 ? {} : { within };
};

const whereJson = (where: readonly PropertyCondition[] | undefined): Record<string, unknown> =>
  where === undefined ? {} : { where: where.map(propertyJson) };

/** What all conditions on one event share, around what is asked of it. */
const eventJson = (leaf: EventFilter, question: Record<string, unknown>): ConditionJson => ({
  type: 'event',
  event: leaf.event,
  ...question,
  ...withinJson(leaf.within),
  ...whereJson(leaf.where),
});

/**
 * The JSON that `parseCondition` reads as `condition`, with everything that has a default left out, and its fields always in the
 * same order. Of a `list` leaf, which cannot be written, what tells it from others.
 */
export const serialise = (condition: Condition): ConditionJson => {
  switch (condition.type) {
    case 'all':
    case 'any':
      return { type: condition.type, of: condition.of.map(serialise) };
    case 'not':
      return { type: 'not', of: serialise(condition.of) };
    case 'segment':
      return { type: 'segment', segment: condition.segment };
    case 'list':
      return { type: 'list', segment: condition.segment, list: condition.role };
    case 'sample':
      return { type: 'sample', percent: condition.percent, seed: condition.seed };
    case 'event': {
      const { low, high } = condition.count;
      return eventJson(condition, low === 1 && high === null ? {} : { count: countJson(condition.count) });
    }
    case 'event_aggregate':
      return eventJson(condition, { [condition.aggregate]: condition.property, ...rangeJson(condition.range) });
    case 'event_recency':
      return eventJson(condition, { occurrence: condition.occurrence });
    case 'sequence':
      return {
        type: 'sequence',
        steps: condition.steps.map(({ event, after, where }) => ({
          event,
          ...(after === undefined ? {} : { after: durationJson(after) }),
          ...whereJson(where),
        })),
        ...withinJson(condition.within),
      };
    case 'property':
      return propertyJson(condition);
  }
};

const propertyJson = (leaf: Extract<Condition, { type: 'property' }>): ConditionJson => {
  const json = { type: 'property', property: leaf.property, operator: leaf.operator };
  switch (leaf.operator) {
    case 'is_set':
    case 'is_not_set':
      return json;
    case 'before':
    case 'after':
    case 'on':
      return { ...json, value: formatIsoDate(leaf.value) };
    case 'within_last':
    case 'not_within_last':
    case 'within_next':
    case 'anniversary':
      return { ...json, value: durationJson(leaf.value) };
    case 'contains':
    case 'not_contains':
    case 'starts_with':
    case 'ends_with':
    case 'matches':
      return { ...json, value: leaf.value, ...(leaf.ignoreCase ? { ignoreCase: true } : {}) };
    default:
      return { ...json, value: leaf.value };
  }
};
