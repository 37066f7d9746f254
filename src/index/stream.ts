import pg from 'pg';

export type Row = readonly (string | number | null)[];

/**
 * Gives each row to `onRow` as it arrives, without keeping any: memory stays at one network read, however large the result.
 * Rows are arrays in the order of the select list.
 */
export const eachRow = (
  client: pg.ClientBase,
  text: string,
  values: readonly unknown[],
  onRow: (row: Row) => void,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const config = { text, values: [...values], rowMode: 'array' };
    const query = new pg.Query(config);
    let failed: Error | undefined;
    query.on('row', (row: unknown) => {
      if (failed !== undefined) return;
      try {
        onRow(row as Row);
      } catch (error) {
        failed = error as Error;
      }
    });
    query.on('error', reject);
    query.on('end', () => (failed === undefined ? resolve() : reject(failed)));
    // A client that is guarded may refuse the statement with a promise, and nothing is emitted then.
    Promise.resolve(client.query(query) as unknown).catch(reject);
  });
