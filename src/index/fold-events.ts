import type pg from 'pg';
import { sql } from '../database/sql.ts';
import { bitmapsParameter, emptyBitmap, fullBitmap, setBit } from './bitmap.ts';
import { firstDayOfMonth } from './codes.ts';
import { CHUNK_BITS, DAY_MS, offsetOf, PERIOD_DAY, PERIOD_MONTH } from './layout.ts';
import { countPlanes, type Planes } from './planes.ts';
import { eachRow } from './stream.ts';

const COUNT = sql('index-count-events');
const COUNT_OF = sql('index-count-events-of');
const WRITE = sql('index-write-event-slices');

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

/** Makes the bitmaps of the event's month, and of its days, equal to the rows. */
export const foldEventMonth = async (client: pg.ClientBase, shard: number, work: EventWork): Promise<void> => {
  const { eventId, month, ordinals } = work;
  const firstDay = firstDayOfMonth(month);
  const nextMonth = firstDayOfMonth(month + 1);
  const days = new Map<number, Counts>();
  const total = new Int32Array(CHUNK_BITS);
  const seconds = [firstDay, nextMonth].map((day) => (day * DAY_MS) / 1000);
  const values = [shard, eventId, ...seconds, ...(ordinals === undefined ? [] : [ordinals])];
  await eachRow(client, ordinals === undefined ? COUNT : COUNT_OF, values, (row) => {
    const [ordinal, day, count] = row as readonly [number, number, number];
    const offset = offsetOf(ordinal);
    let counts = days.get(day);
    if (counts === undefined) days.set(day, (counts = { offsets: [], counts: [] }));
    counts.offsets.push(offset);
    counts.counts.push(count);
    total[offset] = (total[offset] as number) + count;
  });

  const numbers: number[] = [];
  const periods: number[] = [];
  const slices: number[] = [];
  const bitmaps: Buffer[] = [];
  const collect = (period: number, number: number, planes: Planes): void => {
    for (const [slice, bits] of planes.slices) {
      periods.push(period);
      numbers.push(number);
      slices.push(slice);
      bitmaps.push(bits);
    }
  };
  for (const [day, { offsets, counts }] of days) collect(PERIOD_DAY, day, countPlanes(offsets, counts));
  const active = [...total.keys()].filter((offset) => total[offset] !== 0);
  collect(
    PERIOD_MONTH,
    month,
    countPlanes(
      active,
      active.map((offset) => total[offset] as number),
    ),
  );
  const touched = ordinals === undefined ? fullBitmap() : emptyBitmap();
  for (const ordinal of ordinals ?? []) setBit(touched, offsetOf(ordinal));
  await client.query(WRITE, [
    shard,
    eventId,
    periods,
    numbers,
    slices,
    bitmapsParameter(bitmaps),
    bitmapsParameter([touched]),
    firstDay,
    nextMonth - 1,
    month,
  ]);
};
