import { createHash } from 'node:crypto';
import { parseIsoDate } from '../../../src/conditions/dates.ts';
import type {
  Duration,
  ExpandedCondition,
  Leaf,
  PropertyCondition,
  Scalar,
  Window,
} from '../../../src/conditions/types.ts';
import { matchesText, type SmallUser, type Value } from './small-index.ts';

/** What a condition means, user by user, in the plainest JavaScript. */

const DAY = 86_400_000;

export const holds = (condition: ExpandedCondition, user: SmallUser, asOf: number): boolean => {
  switch (condition.type) {
    case 'all':
      return condition.of.every((each) => holds(each, user, asOf));
    case 'any':
      return condition.of.some((each) => holds(each, user, asOf));
    case 'not':
      return !holds(condition.of, user, asOf);
    default:
      return leafHolds(condition, user, asOf);
  }
};

const leafHolds = (leaf: Leaf, user: SmallUser, asOf: number): boolean => {
  if (leaf.type === 'property') return propertyHolds(leaf, user.properties[leaf.property], asOf);
  if (leaf.type === 'sample') return sampleNumber(leaf.seed, user.ordinal) < Math.round((leaf.percent / 100) * 65_536);
  if (leaf.type !== 'event' || leaf.where !== undefined)
    throw new Error('what reads the events themselves is compared with the oracle, in test/property');
  const times = user.events[leaf.event] ?? [];
  const count = times.filter((at) => at <= asOf && inWindow(leaf.within, at, asOf)).length;
  return count >= leaf.count.low && (leaf.count.high === null || count <= leaf.count.high);
};

const inWindow = (window: Window, at: number, asOf: number): boolean =>
  'last' in window
    ? at >= asOf - window.last.ms
    : (window.from === undefined || at >= window.from) && (window.to === undefined || at < window.to);

const propertyHolds = (leaf: PropertyCondition, value: Value, asOf: number): boolean => {
  const equal = (wanted: Scalar): boolean => value === wanted || includes(wanted);
  const includes = (wanted: Scalar): boolean => Array.isArray(value) && value.includes(wanted);
  const number = (test: (held: number) => boolean): boolean => typeof value === 'number' && test(value);
  const date = (test: (ms: number) => boolean): boolean => {
    const ms = dateOf(value);
    return ms !== undefined && test(ms);
  };
  const recent = (duration: Duration): boolean => date((ms) => ms >= asOf - duration.ms && ms <= asOf);
  switch (leaf.operator) {
    case 'is_set':
    case 'is_not_set': {
      const set = value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0);
      return set === (leaf.operator === 'is_set');
    }
    case 'equals':
      return equal(leaf.value);
    case 'not_equals':
      return !equal(leaf.value);
    case 'in':
      return leaf.value.some(equal);
    case 'not_in':
      return !leaf.value.some(equal);
    case 'contains':
    case 'starts_with':
    case 'ends_with':
    case 'matches':
      return typeof value === 'string' && matchesText(leaf, value);
    case 'not_contains':
      return !(typeof value === 'string' && matchesText(leaf, value));
    case 'greater_than':
      return number((held) => held > leaf.value);
    case 'at_least':
      return number((held) => held >= leaf.value);
    case 'less_than':
      return number((held) => held < leaf.value);
    case 'at_most':
      return number((held) => held <= leaf.value);
    case 'between':
      return number((held) => held >= leaf.value[0] && held <= leaf.value[1]);
    case 'before':
      return date((ms) => ms < leaf.value);
    case 'after':
      return date((ms) => ms > leaf.value);
    case 'on':
      return date((ms) => Math.floor(ms / DAY) === Math.floor(leaf.value / DAY));
    case 'within_last':
      return recent(leaf.value);
    case 'not_within_last':
      return !recent(leaf.value);
    case 'within_next':
      return date((ms) => ms >= asOf && ms <= asOf + leaf.value.ms);
    case 'anniversary':
      return date((ms) => comesAgain(ms, asOf, leaf.value.ms / DAY));
    case 'includes':
      return includes(leaf.value);
    case 'not_includes':
      return !includes(leaf.value);
    case 'includes_any':
      return leaf.value.some(includes);
    case 'includes_all':
      return leaf.value.every(includes);
  }
};

const dayAndMonth = (ms: number): string => new Date(Math.floor(ms)).toISOString().slice(-19, -14);

const comesAgain = (ms: number, asOf: number, days: number): boolean =>
  Array.from({ length: Math.min(days, 400) + 1 }, (_, i) => asOf + i * DAY).some((day) => {
    const [wanted, now, next] = [ms, day, day + DAY].map(dayAndMonth);
    return now === wanted || (wanted === '02-29' && now === '02-28' && next === '03-01');
  });

const dateOf = (value: Value): number | undefined => {
  if (typeof value === 'string') return parseIsoDate(value);
  if (typeof value !== 'number') return undefined;
  const ms = value >= 1e11 ? value : value * 1000;
  return Math.abs(ms) <= 8.64e15 ? ms : undefined;
};

const int4 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

export const sampleNumber = (seed: string, ordinal: number): number => {
  const offset = ordinal % 32_000;
  let number = 0;
  for (let i = 0; i < 16; i++) {
    const parts = [Buffer.from(seed), Buffer.alloc(1), int4(Math.floor(ordinal / 32_000)), int4(i)];
    const digest = createHash('sha256')
      .update(Buffer.concat([...parts, int4(Math.floor(offset / 256))]))
      .digest();
    const bit = offset % 256;
    number = number * 2 + (((digest[bit >> 3] as number) >> (7 - (bit & 7))) & 1);
  }
  return number;
};
