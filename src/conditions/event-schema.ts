import { z } from 'zod';
import type { LeafSchema } from './leaf-schema.ts';
import { MAX_EVENT_LENGTH, MAX_STEPS, MAX_WHERE } from './limits.ts';
import { propertySchemas } from './property-schema.ts';
import {
  type Aggregate,
  AGGREGATES,
  type EventAggregate,
  type EventCount,
  type EventRecency,
  type EventSequence,
  type NumberRange,
  type PropertyCondition,
  type SequenceStep,
} from './types.ts';
import { count, duration, exactlyOne, number, propertyPath, range, text, within } from './values.ts';

/** Leaves about events as zod schemas. `parse-events.ts` reads each `where` by itself, for errors that say more. */

const name = text(1, MAX_EVENT_LENGTH, 'the name of an event');

const whereLength = `must hold at most ${MAX_WHERE} conditions`;
const where = z
  .array(
    z.union(propertySchemas).meta({ id: 'PropertyCondition', description: 'A leaf on a property.' }),
    'a list of property conditions',
  )
  .max(MAX_WHERE, whereLength)
  .meta({ description: "conditions on the event's own properties, all of which must hold" });

const filterFields = { type: z.literal('event'), event: name, within: within.optional(), where: where.optional() };

interface Where {
  readonly where?: readonly PropertyCondition[];
}
const whereOf = (given: readonly PropertyCondition[] | undefined): Where =>
  given === undefined || given.length === 0 ? {} : { where: given };

const eventCount = z.strictObject({ ...filterFields, count: count.optional() }).transform(
  (leaf): EventCount => ({
    type: 'event',
    event: leaf.event,
    count: leaf.count ?? { low: 1, high: null },
    within: leaf.within ?? {},
    ...whereOf(leaf.where),
  }),
);

const bounds = {
  atLeast: number.optional(),
  atMost: number.optional(),
  exactly: number.optional(),
  between: range.optional(),
};
type Bounds = { readonly [B in keyof typeof bounds]?: z.output<(typeof bounds)[B]> };

const rangesOf = ({ atLeast, atMost, exactly, between }: Bounds): NumberRange[] => [
  ...(atLeast === undefined ? [] : [{ low: atLeast, high: null }]),
  ...(atMost === undefined ? [] : [{ low: null, high: atMost }]),
  ...(exactly === undefined ? [] : [{ low: exactly, high: exactly }]),
  ...(between === undefined ? [] : [{ low: between[0], high: between[1] }]),
];

const property = propertyPath.optional();
const eventAggregate = z
  .strictObject({ ...filterFields, sum: property, avg: property, min: property, max: property, ...bounds })
  .transform((leaf, context): EventAggregate => {
    const given = AGGREGATES.flatMap((aggregate) => {
      const path = leaf[aggregate];
      return path === undefined ? [] : [{ aggregate, property: path }];
    });
    const of = exactlyOne(given, AGGREGATES, context);
    const within = exactlyOne(rangesOf(leaf), Object.keys(bounds), context, given[0]?.aggregate);
    if (of === undefined || within === undefined) return z.NEVER;
    return {
      type: 'event_aggregate',
      event: leaf.event,
      ...of,
      range: within,
      within: leaf.within ?? {},
      ...whereOf(leaf.where),
    };
  });

const eventRecency = z
  .strictObject({ ...filterFields, occurrence: z.enum(['first', 'last'], '"first" or "last"') })
  .transform(
    (leaf): EventRecency => ({
      type: 'event_recency',
      event: leaf.event,
      occurrence: leaf.occurrence,
      within: leaf.within ?? {},
      ...whereOf(leaf.where),
    }),
  );

const step = z
  .strictObject(
    { event: name, after: duration.optional(), where: where.optional() },
    'a step such as {"event": "Purchase"}',
  )
  .transform(
    (given): SequenceStep => ({
      event: given.event,
      ...(given.after === undefined ? {} : { after: given.after }),
      ...whereOf(given.where),
    }),
  );
const stepsLength = `must hold 2 to ${MAX_STEPS} steps`;
const sequence = z
  .strictObject({
    type: z.literal('sequence'),
    steps: z
      .array(step, 'a list of steps')
      .min(2, stepsLength)
      .max(MAX_STEPS, stepsLength)
      .check(({ value, issues }) => {
        if (value[0]?.after === undefined) return;
        const message = 'has no place in the first step: it is the time since the step before';
        issues.push({ code: 'custom', input: value, path: [0, 'after'], message });
      }),
    within: within.optional(),
  })
  .transform((leaf): EventSequence => ({ type: 'sequence', steps: leaf.steps, within: leaf.within ?? {} }));

const FILTER_FIELDS = ['type', 'event', 'within', 'where'];
const aggregateSchema: LeafSchema<EventAggregate> = {
  schema: eventAggregate,
  fields: [...FILTER_FIELDS, ...AGGREGATES, ...Object.keys(bounds)],
};

/** By the field that says what is asked of the events; without one, the count. */
export const EVENT_SCHEMAS: Record<
  'count' | 'occurrence' | Aggregate,
  LeafSchema<EventCount | EventAggregate | EventRecency>
> = {
  count: { schema: eventCount, fields: [...FILTER_FIELDS, 'count'] },
  sum: aggregateSchema,
  avg: aggregateSchema,
  min: aggregateSchema,
  max: aggregateSchema,
  occurrence: { schema: eventRecency, fields: [...FILTER_FIELDS, 'occurrence'] },
};
export const SEQUENCE_SCHEMA: LeafSchema<EventSequence> = { schema: sequence, fields: ['type', 'steps', 'within'] };

export const eventSchemas = [eventCount, eventAggregate, eventRecency, sequence] as const;
