import { z } from 'zod';
import { eventSchemas } from './event-schema.ts';
import type { LeafSchema } from './leaf-schema.ts';
import { MAX_SEED_LENGTH, MAX_SEGMENT_LENGTH } from './limits.ts';
import { propertySchemas } from './property-schema.ts';
import type { Condition, Sample, SegmentReference } from './types.ts';
import { number, text } from './values.ts';

/**
 * The leaves of CONTRACT.md §2 as zod schemas, from the JSON to the types. `parse.ts` picks the one that a leaf means and is the
 * way in for conditions from outside; `conditionSchema` is the whole for the OpenAPI document, made of the same parts.
 */

const segment = z.strictObject({
  type: z.literal('segment'),
  segment: text(1, MAX_SEGMENT_LENGTH, 'the key of a segment'),
});
const sample = z.strictObject({
  type: z.literal('sample'),
  percent: number.refine((percent) => percent >= 0 && percent <= 100, 'must be from 0 to 100'),
  seed: text(0, MAX_SEED_LENGTH),
});

type OtherLeaf = SegmentReference | Sample;
const BY_TYPE: Record<OtherLeaf['type'], LeafSchema<OtherLeaf>> = {
  segment: { schema: segment, fields: ['type', 'segment'] },
  sample: { schema: sample, fields: ['type', 'percent', 'seed'] },
};
/** Leaves that are neither of properties nor of events. */
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
  .union([all, any, not, ...propertySchemas, ...eventSchemas, segment, sample])
  .meta({ id: 'Condition', description: 'A condition over users: all, any and not, or a leaf.' });
