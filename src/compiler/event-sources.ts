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

/** The chunk's events are read, and who is found becomes a bitmap. `steps`: how many times the window is read. */
const byRows = (who: Who, window: WindowRange, steps = 1, scope = 'x.shard = c.shard'): Source => {
  if (who.query === null) return { bits: who.complement ? ALL : NONE, cost: cost({}), source: 'nothing' };
  const query = who.query({ scope, give: `x.ordinal % ${CHUNK_BITS}` });
  const found = bits(`(select evenkeel_bitmap(x.o, 1) from (${query}) x)`);
  return {
    bits: who.complement ? not(found) : found,
    cost: cost({ edges: steps * halfDays(window), calls: 1 }),
    source: 'events',
  };
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

/**
 * Only of users who did each step's event as often as it is asked for is anything put in order: the others cannot have done all the
 * steps, whatever `where` and time say.
 */
export const sequenceSource = (context: Context, leaf: EventSequence): Source => {
  const window = windowRange(leaf.within, context.asOf);
  const times = new Map<string, number>();
  for (const { event } of leaf.steps) times.set(event, (times.get(event) ?? 0) + 1);
  const each = [...times].map(([event, low]) =>
    eventCount(context, { type: 'event', event, count: { low, high: null }, within: leaf.within }),
  );
  const candidates = and(each.map((source) => source.bits));
  if (candidates.kind !== 'sql') return NOTHING;
  const scope = `x.shard = c.shard and get_bit(k.bits, x.ordinal % ${CHUNK_BITS}) = 1`;
  const found = byRows(whoInSequence(rowContext(context), leaf), window, leaf.steps.length, scope);
  if (found.bits.kind !== 'sql') return NOTHING;
  return {
    bits: bits(`(select ${found.bits.text} from (select ${candidates.text} as bits offset 0) k)`),
    cost: addCosts([...each.map((source) => source.cost), found.cost]),
    source: 'events',
  };
};
