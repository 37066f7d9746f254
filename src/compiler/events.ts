import type { EventCount } from '../conditions/types.ts';
import { type WindowRange, windowRange } from '../conditions/window.ts';
import { CHUNK_BITS, DAY_MS, PART_MS, PARTS_A_DAY, PERIOD_DAY, PERIOD_PART, PRESENCE_SLICE } from '../index/layout.ts';
import { ALL, bits, not, ZERO } from './bits.ts';
import { type Cost, cost } from './cost.ts';
import type { Parameters } from './parameters.ts';
import type { Context } from './properties.ts';
import { NOTHING, type Source } from './slices.ts';
import { timestamp } from './time.ts';
import { coverWindow, type Cover, type Edge, type Periods } from './windows.ts';

/** How a window's counts are read: whole periods from `event_slices`, ragged edges from `events`. */

/** Counts are added in a counter of this many bits at most; no user has more events. */
const MAX_COUNT = 2 ** 30;
/** A busy period has users with two or three of an event: who did it, and two bits of how often beyond once. For the cost only. */
const SLICES_A_PERIOD = 3;
/** Months that a window without a beginning is taken to have. For the cost only. */
const USUAL_MONTHS = 12;

const EVERYBODY: Source = { bits: ALL, cost: cost({}), source: 'nothing' };

interface Reading {
  /** Gives a select of `slice` and `bits`, one row a bitmap. */
  readonly periods: string;
  /** Gives a select of offsets `o`, one row an event; null where there are no edges. */
  readonly edges: string | null;
  /** What both stand on. */
  readonly from: string;
}

/** The parts of its day that lie wholly in an edge which ends with the day; null where there are none. */
const partsOf = ({ from, to }: Edge): Periods | null => {
  const parts = { period: PERIOD_PART, first: Math.ceil(from / PART_MS), end: Math.floor(to / PART_MS) };
  return to % DAY_MS === 0 && parts.first < parts.end ? parts : null;
};

/**
 * SQL that reads a window.
 *
 * - Where no event follows the window on its last day, the day's bitmaps are as good as its rows: the probe takes some 10 µs a
 *   chunk, and a window that ends now has nothing behind it.
 * - Where the parts of its first day are kept, the rows are read up to the first of them only. Half a busy day of 1,700 events a
 *   chunk takes 0.3 ms from the rows and 60 µs so.
 */
const read = (parameters: Parameters, eventId: number, cover: Cover): Reading => {
  const { periods, leftEdge, rightEdge } = cover;
  const of = (table: string): string =>
    `${table}.shard = c.shard and ${table}.event_id = ${parameters.add(eventId, 'int')}`;
  const at = (ms: number): string => timestamp(parameters, ms);
  const probes: string[] = [];
  const selects: string[] = [];
  const edges: string[] = [];
  const select = (where: string): string => `select e.slice, e.bits from event_slices e where ${of('e')} and ${where}`;
  const edge = (where: string): string =>
    `select x.ordinal % ${CHUNK_BITS} as o from events x where ${of('x')} and ${where}`;

  const parts = leftEdge && partsOf(leftEdge);
  const ranges = parts ? [...periods, parts] : periods;
  if (ranges.length > 0) {
    const lists = (['period', 'first', 'end'] as const).map((key) => ranges.map((range) => range[key]));
    selects.push(
      `select e.slice, e.bits from unnest(${lists.map((list) => parameters.add(list, 'int[]')).join(', ')}) w (period, first, "end") ` +
        `cross join lateral (${select('e.period = w.period and e.number >= w.first and e.number < w."end"')} offset 0) e`,
    );
  }
  if (leftEdge) {
    // the day's end stands there also where the parts begin earlier: it is what leaves later partitions closed
    let within = `x.occurred_at >= ${at(leftEdge.from)} and x.occurred_at < ${at(leftEdge.to)}`;
    if (parts) {
      const ofDay = `e.number >= ${parameters.add(parts.end - PARTS_A_DAY, 'int')} and e.number < ${parameters.add(parts.end, 'int')}`;
      probes.push(`exists (${select(`e.period = ${PERIOD_PART} and ${ofDay}`)}) as parted`);
      within += ` and x.occurred_at < case when r.parted then ${at(parts.first * PART_MS)} else ${at(leftEdge.to)} end`;
    }
    edges.push(edge(within));
  }
  if (rightEdge) {
    const day = parameters.add(rightEdge.from / DAY_MS, 'int');
    const behind = `x.occurred_at >= ${at(rightEdge.to)} and x.occurred_at < ${at(rightEdge.from + DAY_MS)}`;
    probes.push(`not exists (select from events x where ${of('x')} and ${behind}) as whole`);
    selects.push(select(`e.period = ${PERIOD_DAY} and e.number = ${day} and r.whole`));
    edges.push(edge(`x.occurred_at >= ${at(rightEdge.from)} and x.occurred_at < ${at(rightEdge.to)} and not r.whole`));
  }
  return {
    periods: selects.join(' union all '),
    edges: edges.length === 0 ? null : edges.join(' union all '),
    from: probes.length === 0 ? '(select) r' : `(select ${probes.join(', ')} offset 0) r`,
  };
};

const coverCost = ({ periods, leftEdge, rightEdge }: Cover, slicesAPeriod: number, operationsASlice: number): Cost => {
  const lengths = periods.map(({ first, end }) => Math.min(end - first, USUAL_MONTHS));
  const slices = slicesAPeriod * lengths.reduce((sum, length) => sum + length, rightEdge ? 1 : 0);
  // the right edge is mostly read from its day's bitmap, and of a busy day's left edge three hours at most from the rows
  return cost({ slicesRead: slices, operations: slices * operationsASlice, edges: leftEdge ? 0.3 : 0, calls: 1 });
};

const atLeastOnce = (parameters: Parameters, eventId: number, cover: Cover): Source => {
  const { periods, edges, from } = read(parameters, eventId, cover);
  const parts: string[] = [];
  if (periods !== '')
    parts.push(`coalesce((select bit_or(p.bits) from (${periods}) p where p.slice = ${PRESENCE_SLICE}), ${ZERO})`);
  if (edges !== null) parts.push(`(select evenkeel_bitmap(x.o, 1) from (${edges}) x)`);
  return { bits: bits(`(select ${parts.join(' | ')} from ${from})`), cost: coverCost(cover, 1, 1), source: 'events' };
};

/** Events as slices of each user's count: users with the same count first become one bitmap, since few counts differ. */
const slicesOf = (events: string): string =>
  `select l.level, bit_or(x.bits) as bits from (select n.n, evenkeel_bitmap(n.o, 1) as bits ` +
  `from (select x.o, count(*)::int as n from (${events}) x group by x.o) n group by n.n) x ` +
  `join generate_series(0, 30) l (level) on (x.n >> l.level) & 1 = 1 group by l.level`;

const counted = (parameters: Parameters, eventId: number, cover: Cover, low: number, high: number | null): Source => {
  const { periods, edges, from } = read(parameters, eventId, cover);
  const selects: string[] = [];
  if (periods !== '') selects.push(`select greatest(p.slice, 0)::int as level, p.bits from (${periods}) p`);
  if (edges !== null) selects.push(slicesOf(edges));
  const bounds = `${parameters.add(low, 'int')}, ${parameters.add(high, 'int')}`;
  return {
    bits: bits(
      `(select evenkeel_counts(p.levels, p.bitmaps, ${bounds}) from ${from} cross join lateral ` +
        `(select array_agg(p.level) as levels, array_agg(p.bits) as bitmaps from (${selects.join(' union all ')}) p) p)`,
    ),
    cost: coverCost(cover, SLICES_A_PERIOD, 5),
    source: 'events',
  };
};

/** Who did it at least once in the window. */
export const eventWithin = ({ catalogue, parameters }: Context, event: string, window: WindowRange): Source => {
  const eventId = catalogue.events.get(event);
  const cover = coverWindow(window);
  return eventId === undefined || cover === null ? NOTHING : atLeastOnce(parameters, eventId, cover);
};

/** How often an event happened in a window. Who never did it has a count of 0. */
export const eventCount = ({ catalogue, asOf, parameters }: Context, leaf: EventCount): Source => {
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
