import type { EventAggregate, EventCount, EventRecency, EventSequence } from '../conditions/types.ts';
import { type WindowRange, windowRange } from '../conditions/window.ts';
import { CHUNK_BITS, DAY_MS } from '../index/layout.ts';
import { ALL, and, bits, NONE, not } from './bits.ts';
import { addCosts, cost } from './cost.ts';
import { whoAggregates, type Who, whoCounts, whoRecently } from './event-rows.ts';
import { eventCount, eventWithin } from './events.ts';
import type { Context } from './properties.ts';
import type { RowContext } from './row-property.ts';
import { whoInSequence } from './sequence.ts';
import { NOTHING, type Source } from './slices.ts';

/** Leaves about events: by the bitmaps where those know enough, otherwise by the rows of `events`, which become a bitmap. */

const rowContext = ({ asOf, parameters, catalogue }: Context): RowContext => ({
  asOf,
  parameters,
  events: catalogue.events,
});

/** Of a window without a beginning, this much is taken to have been: an estimate, for the cost only. */
const EVER_DAYS = 365;
const halfDays = ({ from, to }: WindowRange): number =>
  2 * (from === null ? EVER_DAYS : Math.max(0, to - from) / DAY_MS);

const bitmapOf = (query: NonNullable<Who['query']>, scope: string): string =>
  `(select evenkeel_bitmap(x.o, 1) from (${query({ scope, give: `x.ordinal % ${CHUNK_BITS}` })}) x)`;

/** The chunk's events in the window are read, and who is found becomes a bitmap. */
const byRows = ({ query, complement }: Who, window: WindowRange): Source => {
  if (query === null) return { bits: complement ? ALL : NONE, cost: cost({}), source: 'nothing' };
  const found = bits(bitmapOf(query, 'x.shard = c.shard'));
  return { bits: complement ? not(found) : found, cost: cost({ edges: halfDays(window) }), source: 'events' };
};

export const eventCountSource = (context: Context, leaf: EventCount): Source =>
  leaf.where === undefined
    ? eventCount(context, leaf)
    : byRows(whoCounts(rowContext(context), leaf), windowRange(leaf.within, context.asOf));

export const aggregateSource = (context: Context, leaf: EventAggregate): Source =>
  byRows(whoAggregates(rowContext(context), leaf), windowRange(leaf.within, context.asOf));

/** The first lies in the window: it happened there, and never before. The last: it happened there, and never after. */
export const recencySource = (context: Context, leaf: EventRecency): Source => {
  const { asOf } = context;
  const window = windowRange(leaf.within, asOf);
  if (leaf.where !== undefined) return byRows(whoRecently(rowContext(context), leaf), window);
  const inside = eventWithin(context, leaf.event, window);
  if (inside.source === 'nothing') return inside;
  if (leaf.occurrence === 'first' && window.from === null) return inside;
  const outside = eventWithin(
    context,
    leaf.event,
    leaf.occurrence === 'last' ? { from: window.to, to: asOf + 1 } : { from: null, to: window.from as number },
  );
  return {
    bits: and([inside.bits, not(outside.bits)]),
    cost: addCosts([inside.cost, outside.cost, cost({ operations: 2 })]),
    source: 'events',
  };
};

/** So few of a chunk are looked up one by one, by the index events_by_user; of more, the whole window is read (decision 0013). */
const FEW_USERS = 200;

/**
 * Only of users who did each step's event as often as it is asked for is anything put in order: the others cannot have done all the
 * steps, whatever `where` and time say. Where they are few, as of a rare step behind a common one, nothing of the others is read.
 */
export const sequenceSource = (context: Context, leaf: EventSequence): Source => {
  const window = windowRange(leaf.within, context.asOf);
  const times = new Map<string, number>();
  for (const { event } of leaf.steps) times.set(event, (times.get(event) ?? 0) + 1);
  const each = [...times].map(([event, low]) =>
    eventCount(context, { type: 'event', event, count: { low, high: null }, within: leaf.within }),
  );
  const candidates = and(each.map((source) => source.bits));
  const { query } = whoInSequence(rowContext(context), leaf);
  if (candidates.kind !== 'sql' || query === null) return NOTHING;
  const ordinals =
    `array(select c.chunk * ${CHUNK_BITS} + o from generate_series(0, ${CHUNK_BITS - 1}) o ` +
    'where get_bit(b.bits, o) = 1)';
  const few = bitmapOf(query, 'x.shard = c.shard and x.ordinal = any(k.few)');
  const many = bitmapOf(query, `x.shard = c.shard and get_bit(k.bits, x.ordinal % ${CHUNK_BITS}) = 1`);
  return {
    bits: bits(
      `(select case when k.few is null then ${many} else ${few} end ` +
        `from (select b.bits, case when bit_count(b.bits) <= ${FEW_USERS} then ${ordinals} end as few ` +
        `from (select ${candidates.text} as bits offset 0) b offset 0) k)`,
    ),
    cost: addCosts([...each.map((source) => source.cost), cost({ edges: leaf.steps.length * halfDays(window) })]),
    source: 'events',
  };
};
