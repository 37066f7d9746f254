import type pg from 'pg';
import { sql } from '../database/sql.ts';
import { bitmapsParameter, emptyBitmap, fullBitmap, setBit } from './bitmap.ts';
import { firstDayOfMonth, octadOfDay } from './codes.ts';
import {
  CHUNK_BITS,
  DAY_MS,
  OCTADS_A_MONTH,
  offsetOf,
  PARTS_A_DAY,
  PERIOD_DAY,
  PERIOD_MONTH,
  PERIOD_OCTAD,
  PERIOD_PART,
} from './layout.ts';
import { countPlanes } from './planes.ts';
import { eachRow } from './stream.ts';

const COUNT = sql('index-count-events');
const COUNT_OF = sql('index-count-events-of');
const WRITE = sql('index-write-event-slices');
const PARTED_DAYS = sql('index-parted-days');
const BUSY_DAYS = sql('index-busy-days');

/**
 * Users a day and chunk from which on its parts are kept too. Reading half of such a day from the rows takes 0.1 ms, four parts
 * 20 µs; the parts (at least 32 KB) take a quarter of the space of the rows of 500 events.
 */
export const BUSY_DAY_USERS = 500;

/** One event's month in one shard that is to be counted: these users, or every one. */
export interface EventWork {
  readonly eventId: number;
  /** Months since January 1970. */
  readonly month: number;
  readonly ordinals: readonly number[] | undefined;
}

interface Counts {
  readonly offsets: number[];
  readonly counts: number[];
}
/** Periods of one kind, by number, with the count of each user who did it. */
type Tally = Map<number, Counts>;

const dayOfPart = (part: number): number => Math.floor(part / PARTS_A_DAY);

/** Parts added up to larger periods. Arrays, since there may be a million counts: a map of them took three times as long. */
const sumOf = (parts: Tally, periodOf: (part: number) => number): Tally => {
  const totals = new Map<number, Int32Array>();
  const tally: Tally = new Map();
  for (const [part, { offsets, counts }] of parts) {
    const period = periodOf(part);
    const total = totals.get(period) ?? new Int32Array(CHUNK_BITS);
    totals.set(period, total);
    for (const [i, offset] of offsets.entries()) total[offset] = (total[offset] as number) + (counts[i] as number);
  }
  for (const [period, total] of totals) {
    const offsets: number[] = [];
    for (let offset = 0; offset < CHUNK_BITS; offset++) if (total[offset] !== 0) offsets.push(offset);
    tally.set(period, { offsets, counts: offsets.map((offset) => total[offset] as number) });
  }
  return tally;
};

/** Makes the bitmaps of the event's month, its octads, days and parts of days equal to the rows. */
export const foldEventMonth = async (client: pg.ClientBase, shard: number, work: EventWork): Promise<void> => {
  const { eventId, month, ordinals } = work;
  const firstDay = firstDayOfMonth(month);
  const nextMonth = firstDayOfMonth(month + 1);
  const parts: Tally = new Map();
  const seconds = [firstDay, nextMonth].map((day) => (day * DAY_MS) / 1000);
  const values = [shard, eventId, ...seconds, ...(ordinals === undefined ? [] : [ordinals])];
  await eachRow(client, ordinals === undefined ? COUNT : COUNT_OF, values, (row) => {
    const [ordinal, part, count] = row as readonly [number, number, number];
    let counts = parts.get(part);
    if (counts === undefined) parts.set(part, (counts = { offsets: [], counts: [] }));
    counts.offsets.push(offsetOf(ordinal));
    counts.counts.push(count);
  });

  const days = sumOf(parts, dayOfPart);
  const parted =
    ordinals === undefined
      ? new Set([...days].filter(([, { offsets }]) => offsets.length >= BUSY_DAY_USERS).map(([day]) => day))
      : await daysOf(client, PARTED_DAYS, [shard, eventId, firstDay * PARTS_A_DAY, nextMonth * PARTS_A_DAY]);
  await write(
    client,
    shard,
    work,
    new Map([
      [PERIOD_DAY, days],
      [PERIOD_MONTH, sumOf(parts, () => month)],
      [PERIOD_OCTAD, sumOf(parts, (part) => octadOfDay(dayOfPart(part)))],
      [PERIOD_PART, new Map([...parts].filter(([part]) => parted.has(dayOfPart(part))))],
    ]),
  );
  const unparted = [...days.keys()].filter((day) => !parted.has(day));
  if (ordinals === undefined || unparted.length === 0) return;
  const busy = await daysOf(client, BUSY_DAYS, [shard, eventId, unparted, BUSY_DAY_USERS]);
  if (busy.size > 0) await foldEventMonth(client, shard, { ...work, ordinals: undefined });
};

const daysOf = async (client: pg.ClientBase, text: string, values: unknown[]): Promise<Set<number>> => {
  const { rows } = await client.query<{ day: number }>(text, values);
  return new Set(rows.map(({ day }) => day));
};

const write = async (
  client: pg.ClientBase,
  shard: number,
  { eventId, month, ordinals }: EventWork,
  tallies: ReadonlyMap<number, Tally>,
): Promise<void> => {
  const periods: number[] = [];
  const numbers: number[] = [];
  const slices: number[] = [];
  const bitmaps: Buffer[] = [];
  for (const [period, tally] of tallies)
    for (const [number, { offsets, counts }] of tally)
      for (const [slice, bits] of countPlanes(offsets, counts).slices) {
        periods.push(period);
        numbers.push(number);
        slices.push(slice);
        bitmaps.push(bits);
      }
  const touched = ordinals === undefined ? fullBitmap() : emptyBitmap();
  for (const ordinal of ordinals ?? []) setBit(touched, offsetOf(ordinal));
  const firstDay = firstDayOfMonth(month);
  const nextMonth = firstDayOfMonth(month + 1);
  const ranges = [
    [PERIOD_DAY, firstDay, nextMonth],
    [PERIOD_MONTH, month, month + 1],
    [PERIOD_OCTAD, month * OCTADS_A_MONTH, (month + 1) * OCTADS_A_MONTH],
    [PERIOD_PART, firstDay * PARTS_A_DAY, nextMonth * PARTS_A_DAY],
  ] as const;
  await client.query(WRITE, [
    shard,
    eventId,
    periods,
    numbers,
    slices,
    bitmapsParameter(bitmaps),
    bitmapsParameter([touched]),
    ranges.map(([period]) => period),
    ranges.map(([, first]) => first),
    ranges.map(([, , end]) => end),
  ]);
};
