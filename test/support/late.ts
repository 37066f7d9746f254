import type pg from 'pg';

interface Statement {
  readonly text: string;
}
const isCalculation = (statement: unknown): statement is Statement =>
  typeof statement === 'object' && (statement as Statement).text.startsWith('with found as materialized');

/** The client with calculations that are late: `meanwhile` happens between their snapshot and what they write. */
export const late = (client: pg.Client, meanwhile: () => Promise<unknown>): pg.Client => {
  let open = false;
  const query = client.query.bind(client) as unknown as (...given: unknown[]) => Promise<unknown>;
  const slow = async (...given: unknown[]): Promise<unknown> => {
    const [statement] = given;
    if (typeof statement === 'string' && statement.startsWith('begin')) open = true;
    if (statement === 'commit' || statement === 'rollback') open = false;
    if (!isCalculation(statement)) return query(...given);
    if (open) {
      await meanwhile();
      return query(statement);
    }
    await query('begin isolation level repeatable read; select');
    try {
      await meanwhile();
      const result = await query(statement);
      await query('commit');
      return result;
    } catch (error) {
      await query('rollback');
      throw error;
    }
  };
  return new Proxy(client, {
    get: (target, name) => {
      if (name === 'query') return slow;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
};
