import { z } from 'zod';
import {
  MAX_EVENT_LENGTH,
  MAX_PATTERN_LENGTH,
  MAX_SEED_LENGTH,
  MAX_SEGMENT_LENGTH,
  MAX_VALUE_LENGTH,
} from './limits.ts';
import type { Condition, EventCount, PropertyCondition, PropertyOperator, Sample, SegmentReference } from './types.ts';
import { count, duration, isoDate, number, propertyPath, range, scalar, scalars, text, within } from './values.ts';

/**
 * The leaves of CONTRACT.md §2 as zod schemas, from the JSON to the types. `parse.ts` picks the one that a leaf means and is the
 * way in for conditions from outside; `conditionSchema` is the whole for the OpenAPI document, made of the same parts.
 */

const propertyFields = { type: z.literal('property'), property: propertyPath };

const isSet = z.strictObject({ ...propertyFields, operator: z.enum(['is_set', 'is_not_set']) });
const equals = z.strictObject({ ...propertyFields, operator: z.enum(['equals', 'not_equals']), value: scalar });
const inList = z.strictObject({ ...propertyFields, operator: z.enum(['in', 'not_in']), value: scalars });
const ignoreCase = z.boolean('true or false').optional();
const withCase = <T extends { ignoreCase?: boolean | undefined }>(leaf: T): T & { ignoreCase: boolean } => ({
  ...leaf,
  ignoreCase: leaf.ignoreCase ?? false,
});
const textMatch = z
  .strictObject({
    ...propertyFields,
    operator: z.enum(['contains', 'not_contains', 'starts_with', 'ends_with']),
    value: text(1, MAX_VALUE_LENGTH),
    ignoreCase,
  })
  .transform(withCase);
const matches = z
  .strictObject({
    ...propertyFields,
    operator: z.literal('matches'),
    value: text(1, MAX_PATTERN_LENGTH, 'a regular expression'),
    ignoreCase,
  })
  .transform(withCase);
const compareNumber = z.strictObject({
  ...propertyFields,
  operator: z.enum(['greater_than', 'at_least', 'less_than', 'at_most']),
  value: number,
});
const betweenNumbers = z.strictObject({ ...propertyFields, operator: z.literal('between'), value: range });
const compareDate = z.strictObject({
  ...propertyFields,
  operator: z.enum(['before', 'after', 'on']),
  value: isoDate,
});
const relativeDate = z.strictObject({
  ...propertyFields,
  operator: z.enum(['within_last', 'not_within_last', 'within_next']),
  value: duration,
});
const includes = z.strictObject({ ...propertyFields, operator: z.enum(['includes', 'not_includes']), value: scalar });
const includesMany = z.strictObject({
  ...propertyFields,
  operator: z.enum(['includes_any', 'includes_all']),
  value: scalars,
});

/** A schema of a leaf and the fields that it takes. */
export interface LeafSchema<L> {
  readonly schema: z.ZodType<L>;
  readonly fields: readonly string[];
}

const PLAIN = ['type', 'property', 'operator'];
const VALUED = [...PLAIN, 'value'];
const TEXT = [...VALUED, 'ignoreCase'];

/** A new operator does not compile until it has its schema. */
const BY_OPERATOR: Record<PropertyOperator, LeafSchema<PropertyCondition>> = {
  is_set: { schema: isSet, fields: PLAIN },
  is_not_set: { schema: isSet, fields: PLAIN },
  equals: { schema: equals, fields: VALUED },
  not_equals: { schema: equals, fields: VALUED },
  in: { schema: inList, fields: VALUED },
  not_in: { schema: inList, fields: VALUED },
  contains: { schema: textMatch, fields: TEXT },
  not_contains: { schema: textMatch, fields: TEXT },
  starts_with: { schema: textMatch, fields: TEXT },
  ends_with: { schema: textMatch, fields: TEXT },
  matches: { schema: matches, fields: TEXT },
  greater_than: { schema: compareNumber, fields: VALUED },
  at_least: { schema: compareNumber, fields: VALUED },
  less_than: { schema: compareNumber, fields: VALUED },
  at_most: { schema: compareNumber, fields: VALUED },
  between: { schema: betweenNumbers, fields: VALUED },
  before: { schema: compareDate, fields: VALUED },
  after: { schema: compareDate, fields: VALUED },
  on: { schema: compareDate, fields: VALUED },
  within_last: { schema: relativeDate, fields: VALUED },
  not_within_last: { schema: relativeDate, fields: VALUED },
  within_next: { schema: relativeDate, fields: VALUED },
  includes: { schema: includes, fields: VALUED },
  not_includes: { schema: includes, fields: VALUED },
  includes_any: { schema: includesMany, fields: VALUED },
  includes_all: { schema: includesMany, fields: VALUED },
};
/** A Map, so that an operator named `constructor` is unknown. */
export const PROPERTY_SCHEMAS: ReadonlyMap<string, LeafSchema<PropertyCondition>> = new Map(
  Object.entries(BY_OPERATOR),
);

const event = z
  .strictObject({
    type: z.literal('event'),
    event: text(1, MAX_EVENT_LENGTH, 'the name of an event'),
    count: count.optional(),
    within: within.optional(),
  })
  .transform(
    (leaf): EventCount => ({
      type: 'event',
      event: leaf.event,
      count: leaf.count ?? { low: 1, high: null },
      within: leaf.within ?? {},
    }),
  );
const segment = z.strictObject({
  type: z.literal('segment'),
  segment: text(1, MAX_SEGMENT_LENGTH, 'the key of a segment'),
});
const sample = z.strictObject({
  type: z.literal('sample'),
  percent: number.refine((percent) => percent >= 0 && percent <= 100, 'must be from 0 to 100'),
  seed: text(0, MAX_SEED_LENGTH),
});

type OtherLeaf = EventCount | SegmentReference | Sample;
const BY_TYPE: Record<OtherLeaf['type'], LeafSchema<OtherLeaf>> = {
  event: { schema: event, fields: ['type', 'event', 'count', 'within'] },
  segment: { schema: segment, fields: ['type', 'segment'] },
  sample: { schema: sample, fields: ['type', 'percent', 'seed'] },
};
export const OTHER_SCHEMAS: ReadonlyMap<string, LeafSchema<OtherLeaf>> = new Map(Object.entries(BY_TYPE));

const all = z.strictObject({
  type: z.literal('all'),
  get of(): z.ZodType<Condition[]> {
    return z.array(conditionSchema);
  },
});
const any = z.strictObject({
  type: z.literal('any'),
  get of(): z.ZodType<Condition[]> {
    return z.array(conditionSchema);
  },
});
const not = z.strictObject({
  type: z.literal('not'),
  get of(): z.ZodType<Condition> {
    return conditionSchema;
  },
});

/** A whole condition. For documents: `parseCondition` holds the limits and explains errors. */
export const conditionSchema: z.ZodType<Condition> = z
  .union([
    all,
    any,
    not,
    isSet,
    equals,
    inList,
    textMatch,
    matches,
    compareNumber,
    betweenNumbers,
    compareDate,
    relativeDate,
    includes,
    includesMany,
    event,
    segment,
    sample,
  ])
  .meta({ id: 'Condition', description: 'A condition over users: all, any and not, or a leaf.' });
