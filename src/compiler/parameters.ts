/** PostgreSQL types of parameters that compiled statements use. */
export type SqlType =
  | 'int'
  | 'int[]'
  | 'bigint'
  | 'bigint[]'
  | 'boolean[]'
  | 'text'
  | 'text[]'
  | 'jsonb'
  | 'jsonb[]'
  | 'float8[]'
  | 'timestamptz';

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
