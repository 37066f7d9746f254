import { z } from 'zod';
import type { LeafSchema } from './leaf-schema.ts';
import { MAX_PATTERN_LENGTH, MAX_VALUE_LENGTH } from './limits.ts';
import type { PropertyCondition, PropertyOperator } from './types.ts';
import { duration, isoDate, number, propertyPath, range, scalar, scalars, text, wholeDays } from './values.ts';

/** Property leaves as zod schemas, by their operators. */

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
const anniversary = z.strictObject({ ...propertyFields, operator: z.literal('anniversary'), value: wholeDays });
const includes = z.strictObject({ ...propertyFields, operator: z.enum(['includes', 'not_includes']), value: scalar });
const includesMany = z.strictObject({
  ...propertyFields,
  operator: z.enum(['includes_any', 'includes_all']),
  value: scalars,
});

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
  anniversary: { schema: anniversary, fields: VALUED },
  includes: { schema: includes, fields: VALUED },
  not_includes: { schema: includes, fields: VALUED },
  includes_any: { schema: includesMany, fields: VALUED },
  includes_all: { schema: includesMany, fields: VALUED },
};
/** A Map, so that an operator named `constructor` is unknown. */
export const PROPERTY_SCHEMAS: ReadonlyMap<string, LeafSchema<PropertyCondition>> = new Map(
  Object.entries(BY_OPERATOR),
);

export const propertySchemas = [
  isSet,
  equals,
  inList,
  textMatch,
  matches,
  compareNumber,
  betweenNumbers,
  compareDate,
  relativeDate,
  anniversary,
  includes,
  includesMany,
] as const;
