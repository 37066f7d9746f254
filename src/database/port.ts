/** The narrow door to PostgreSQL: a pool, a client and a transaction's client all fit it. */
export interface Statement {
  /** Names a prepared statement of the connection; the same name must always carry the same text. */
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

export interface QueryResult<R> {
  readonly rows: R[];
  readonly rowCount: number | null;
}

export interface Queryable {
  query<R extends object = Record<string, unknown>>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<QueryResult<R>>;
}
