/** PostgreSQL types of parameters that compiled statements use. */
export type SqlType =
  | 'int'
  | 'int[]'
  | 'bigint'
  | 'bigint[]'
  | 'boolean'
  | 'boolean[]'
  | 'text'
  | 'text[]'
  | 'jsonb'
  | 'jsonb[]'
  | 'float8'
  | 'float8[]'
  | 'numeric'
  | 'interval'
  | 'timestamptz'
  | 'uuid'
  | 'xid[]';

/**
 * The values of a statement in the making. Each gets a place of its own, also where two are equal, so that the text of a
 * statement depends on its shape alone and a prepared statement serves every value.
 */
export class Parameters {
  readonly values: unknown[];

  constructor(first: readonly unknown[] = []) {
    this.values = [...first];
  }

  /** Adds a value; gives its place with its type: `$3::int`. */
  add(value: unknown, type: SqlType): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }
}

/**
 * Numbers the parameters by where they stand, and drops those of parts that were folded away: PostgreSQL refuses a parameter
 * that it never meets. The text is our own and holds no `$` but those of parameters.
 */
export const renumber = (text: string, values: readonly unknown[]): { text: string; values: unknown[] } => {
  const places = new Map<string, string>();
  const used: unknown[] = [];
  const renumbered = text.replace(/\$(\d+)/g, (_, number: string) => {
    const known = places.get(number);
    if (known !== undefined) return known;
    used.push(values[Number(number) - 1]);
    const place = `$${used.length}`;
    places.set(number, place);
    return place;
  });
  return { text: renumbered, values: used };
};
