import type { EventCount } from '../conditions/types.ts';
import { windowRange } from '../conditions/window.ts';
import { CHUNK_BITS, DAY_MS, PERIOD_DAY, PERIOD_MONTH } from '../index/layout.ts';
import { ALL, bits, not, ZERO } from './bits.ts';
import { type Cost, cost } from './cost.ts';
import type { Parameters } from './parameters.ts';
import type { Context } from './properties.ts';
import { NOTHING, type Source } from './slices.ts';
import { timestamp } from './time.ts';
import { coverWindow, type Cover } from './windows.ts';

/** How a window's counts are read: whole days and months from `event_slices`, ragged edges from `events`. */

/** Counts are added in a counter of this many bits at most; no user has more events. */
const MAX_COUNT = 2 ** 30;
/** A busy day has users with two or three of an event: bits 0 and 1. An estimate, for the cost only. */
const SLICES_A_PERIOD = 2;

const EVERYBODY: Source = { bits: ALL, cost: cost({}), source: 'nothing' };

interface Reading {
  /** Gives a select of `slice` and `bits`, one row a bitmap. */
  readonly periods: string;
  /** Gives an array of offsets, one entry an event; null where there are no edges. */
  readonly edges: string | null;
  /** What both stand on. */
  readonly from: string;
}

/**
 * SQL that reads a window. Where no event follows the window on its last day, the day's bitmaps are as good as its rows: the
 * probe takes some 10 µs a chunk, and a window that ends now has nothing behind it.
 */
const read = (parameters: Parameters, eventId: number, cover: Cover): Reading => {
  const selects: string[] = [];
  const period = (kind: number, first: number | null, end: string): void => {
    const start = first === null ? '' : ` and e.number >= ${parameters.add(first, 'int')}`;
    selects.push(
      `select e.slice, e.bits from event_slices e where e.shard = c.shard and e.event_id = ${parameters.add(eventId, 'int')} ` +
        `and e.period = ${kind}${start} and e.number < ${end}`,
    );
  };
  const { months, leftDays, rightDays, leftEdge, rightEdge } = cover;
  if (leftDays) period(PERIOD_DAY, leftDays.first, parameters.add(leftDays.end, 'int'));
  if (months) period(PERIOD_MONTH, months.first, parameters.add(months.end, 'int'));
  const edges: string[] = [];
  const edge = (from: number, to: number, condition: string): void => {
    edges.push(
      `select x.ordinal % ${CHUNK_BITS} from events x where x.shard = c.shard and x.event_id = ${parameters.add(eventId, 'int')} ` +
        `and x.occurred_at >= ${timestamp(parameters, from)} and x.occurred_at < ${timestamp(parameters, to)}${condition}`,
    );
  };
  if (leftEdge) edge(leftEdge.from, leftEdge.to, '');
  let from = '';
  if (rightEdge) {
    const day = rightEdge.from / DAY_MS;
    from =
      `(select not exists (select from events x where x.shard = c.shard and x.event_id = ${parameters.add(eventId, 'int')} ` +
      `and x.occurred_at >= ${timestamp(parameters, rightEdge.to)} ` +
      `and x.occurred_at < ${timestamp(parameters, rightEdge.from + DAY_MS)}) as whole offset 0) r`;
    period(PERIOD_DAY, rightDays?.first ?? day, `${parameters.add(day, 'int')} + r.whole::int`);
    edge(rightEdge.from, rightEdge.to, ' and not r.whole');
  } else if (rightDays) {
    period(PERIOD_DAY, rightDays.first, parameters.add(rightDays.end, 'int'));
  }
  return {
    periods: selects.join(' union all '),
    edges: edges.length === 0 ? null : `array(${edges.join(' union all ')})`,
    from: from === '' ? '(select) r' : from,
  };
};

const coverCost = (cover: Cover, operationsASlice: number): Cost => {
  const length = (range: { first: number | null; end: number } | null): number =>
    range === null ? 0 : range.first === null ? 12 : range.end - range.first;
  const slices = SLICES_A_PERIOD * (length(cover.leftDays) + length(cover.months) + length(cover.rightDays));
  // the right edge is mostly read from its day's bitmap
  const edges = cover.leftEdge ? 1 : 0;
  return cost({ slicesRead: slices, operations: slices * operationsASlice, edges, calls: 1 });
};

const atLeastOnce = (parameters: Parameters, eventId: number, cover: Cover): Source => {
  const { periods, edges, from } = read(parameters, eventId, cover);
  const parts: string[] = [];
  if (periods !== '') parts.push(`coalesce((select bit_or(p.bits) from (${periods}) p), ${ZERO})`);
  if (edges !== null) parts.push(`evenkeel_bitmap(${edges})`);
  return { bits: bits(`(select ${parts.join(' | ')} from ${from})`), cost: coverCost(cover, 1), source: 'events' };
};

const counted = (parameters: Parameters, eventId: number, cover: Cover, low: number, high: number | null): Source => {
  const { periods, edges, from } = read(parameters, eventId, cover);
  const call =
    `evenkeel_counts(p.slices, p.bitmaps, ${edges ?? 'null::int[]'}, ` +
    `${parameters.add(low, 'int')}, ${parameters.add(high, 'int')})`;
  const arrays =
    periods === ''
      ? '(select null::int[] as slices, null::bit[] as bitmaps) p'
      : `(select array_agg(p.slice::int) as slices, array_agg(p.bits) as bitmaps from (${periods}) p) p`;
  return {
    bits: bits(`(select ${call} from ${from} cross join lateral ${arrays})`),
    cost: coverCost(cover, 6),
    source: 'events',
  };
};

/** How often an event happened in a window. Who never did it has a count of 0. */
export const eventSource = ({ catalogue, asOf, parameters }: Context, leaf: EventCount): Source => {
  const { low } = leaf.count;
  const high = leaf.count.high !== null && leaf.count.high >= MAX_COUNT ? null : leaf.count.high;
  if (low > MAX_COUNT || (high !== null && (high < low || high < 0))) return NOTHING;
  if (low <= 0 && high === null) return EVERYBODY;
  const eventId = catalogue.events.get(leaf.event);
  const cover = coverWindow(windowRange(leaf.within, asOf));
  if (eventId === undefined || cover === null) return low <= 0 ? EVERYBODY : NOTHING;
  if (low === 1 && high === null) return atLeastOnce(parameters, eventId, cover);
  if (low <= 0 && high === 0) {
    const some = atLeastOnce(parameters, eventId, cover);
    return { ...some, bits: not(some.bits) };
  }
  return counted(parameters, eventId, cover, Math.max(low, 0), high);
};
