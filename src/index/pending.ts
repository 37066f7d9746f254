import { bigints, integers } from '../database/arrays.ts';
import { sql } from '../database/sql.ts';
import type { Queryable } from '../database/port.ts';
import { monthOfDay } from './codes.ts';
import { EVERY_ORDINAL } from './layout.ts';

const statement = (name: string) => ({ name, text: sql(name) });
const NOTE_PROPERTIES = statement('index-note-properties');
const NOTE_EVENTS = statement('index-note-events');

/** "This user's value of this property may have changed." `ordinal` EVERY_ORDINAL: of every user of the shard. */
export interface PropertyMark {
  readonly shard: number;
  readonly propertyId: number;
  readonly ordinal: number;
}

/** "This user's events of this name on this day may have changed." EVERY_ORDINAL: of every user, in the day's whole month. */
export interface EventMark {
  readonly shard: number;
  readonly eventId: number;
  /** Days since 1970-01-01, UTC. */
  readonly day: number;
  readonly ordinal: number;
}

export interface PendingMarks {
  readonly properties?: Iterable<PropertyMark>;
  readonly events?: Iterable<EventMark>;
}

/**
 * With more users than this of one shard and property (or event and month) in one call, one mark for every user is noted
 * instead. Folding a whole shard's property costs about as much as folding 2,000 of its users one by one, but each mark is also a
 * row to write, and a bulk import comes back to the same shard with its next batch.
 */
export const MAX_MARKS = 500;

const EVERYBODY = 'every';

/** Each mark once, and one for everybody where they are too many. `groupOf`: what is counted together. */
const distinct = <M extends { readonly ordinal: number }>(
  marks: Iterable<M>,
  groupOf: (mark: M) => string,
  keyOf: (mark: M) => string,
): M[] => {
  const groups = new Map<string, Map<string, M>>();
  for (const mark of marks) {
    const group = groupOf(mark);
    let members = groups.get(group);
    if (members === undefined) groups.set(group, (members = new Map()));
    if (members.has(EVERYBODY)) continue;
    members.set(keyOf(mark), mark);
    if (mark.ordinal === EVERY_ORDINAL || members.size > MAX_MARKS) {
      members.clear();
      members.set(EVERYBODY, { ...mark, ordinal: EVERY_ORDINAL });
    }
  }
  return [...groups.values()].flatMap((each) => [...each.values()]);
};

/** Notes what the bitmaps do not know yet. To be called in the transaction that changes the rows. */
export const notePending = async (db: Queryable, marks: PendingMarks): Promise<void> => {
  const properties = distinct(
    marks.properties ?? [],
    (mark) => `${mark.shard},${mark.propertyId}`,
    (mark) => `${mark.ordinal}`,
  );
  const events = distinct(
    marks.events ?? [],
    (mark) => `${mark.shard},${mark.eventId},${monthOfDay(mark.day)}`,
    (mark) => `${mark.ordinal},${mark.day}`,
  );
  if (properties.length > 0)
    await db.query({
      ...NOTE_PROPERTIES,
      values: [
        bigints(properties.map((mark) => mark.shard)),
        integers(properties.map((mark) => mark.propertyId)),
        integers(properties.map((mark) => mark.ordinal)),
      ],
    });
  if (events.length > 0)
    await db.query({
      ...NOTE_EVENTS,
      values: [
        bigints(events.map((mark) => mark.shard)),
        integers(events.map((mark) => mark.eventId)),
        integers(events.map((mark) => mark.day)),
        integers(events.map((mark) => mark.ordinal)),
      ],
    });
};
