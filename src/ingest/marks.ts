import { EVERY_ORDINAL } from '../index/layout.ts';
import type { EventMark, PropertyMark } from '../index/pending.ts';

/** With more users than this of one shard and property, one mark says "every user": see `MAX_MARKS` of the index room. */
const MAX_USERS = 500;

/** What a transaction changes and the bitmaps do not know yet, collected while it goes on. */
export class Marks {
  readonly #properties = new Map<number, Map<string, number[] | 'every'>>();
  readonly #events = new Map<string, EventMark>();

  property(shard: number, ordinal: number, path: string): void {
    let paths = this.#properties.get(shard);
    if (paths === undefined) this.#properties.set(shard, (paths = new Map()));
    const users = paths.get(path);
    if (users === undefined) paths.set(path, [ordinal]);
    else if (users === 'every') return;
    else if (users.length < MAX_USERS) users.push(ordinal);
    else paths.set(path, 'every');
  }

  event(shard: number, ordinal: number, eventId: number, day: number): void {
    this.#events.set(`${ordinal},${day},${eventId}`, { shard, eventId, day, ordinal });
  }

  get paths(): Set<string> {
    return new Set([...this.#properties.values()].flatMap((paths) => [...paths.keys()]));
  }

  get events(): Iterable<EventMark> {
    return this.#events.values();
  }

  *propertyMarks(ids: ReadonlyMap<string, number>): Generator<PropertyMark> {
    for (const [shard, paths] of this.#properties)
      for (const [path, users] of paths) {
        const propertyId = idOf(ids, path);
        if (users === 'every') yield { shard, propertyId, ordinal: EVERY_ORDINAL };
        else for (const ordinal of users) yield { shard, propertyId, ordinal };
      }
  }
}

const idOf = (ids: ReadonlyMap<string, number>, name: string): number => {
  const id = ids.get(name);
  if (id === undefined) throw new Error(`no id for ${JSON.stringify(name)}`);
  return id;
};
