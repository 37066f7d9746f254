import { parseIsoDate } from '../conditions/dates.ts';
import { elementKey } from '../conditions/references.ts';

/** Takes what a value says of each column type. */
export interface ValueSink {
  set(): void;
  text(value: string): void;
  number(value: number): void;
  boolean(value: boolean): void;
  /** Epoch milliseconds. */
  date(ms: number): void;
  /** An element as JSON. */
  element(key: string): void;
}

type JsonObject = { readonly [key: string]: unknown };

/** The value under a path of object members; arrays and scalars have no members. */
export const valueAt = (value: unknown, path: readonly string[]): unknown => {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || Array.isArray(at) || !Object.hasOwn(at, key)) return undefined;
    at = (at as JsonObject)[key];
  }
  return at;
};

/** Calls `visit` with the path and value of every property at every level: `address` and `address.city`. Nulls are none. */
export const eachPath = (properties: JsonObject, visit: (path: string, value: unknown) => void, prefix = ''): void => {
  for (const key of Object.keys(properties)) {
    const value = properties[key];
    if (value === null) continue;
    const path = prefix === '' ? key : prefix + key;
    visit(path, value);
    if (typeof value === 'object' && !Array.isArray(value)) eachPath(value as JsonObject, visit, `${path}.`);
  }
};

/** Sorts one user's value of a property into the columns, as src/index/layout.ts has them. */
export const sortValue = (value: unknown, sink: ValueSink): void => {
  if (value === undefined || value === null) return;
  switch (typeof value) {
    case 'string': {
      if (value !== '') sink.set();
      sink.text(value);
      const ms = parseIsoDate(value);
      if (ms !== undefined) sink.date(ms);
      return;
    }
    case 'number':
      sink.set();
      // PostgreSQL holds numbers beyond float64; the language has none
      if (Number.isFinite(value)) sink.number(value);
      return;
    case 'boolean':
      sink.set();
      sink.boolean(value);
      return;
    default:
      if (!Array.isArray(value)) {
        sink.set();
        return;
      }
      if (value.length > 0) sink.set();
      // A long array of the same few elements is the same as those few.
      for (const element of value.length > 16 ? new Set(value) : value)
        if (typeof element === 'string' || typeof element === 'boolean' || Number.isFinite(element))
          sink.element(elementKey(element));
  }
};
