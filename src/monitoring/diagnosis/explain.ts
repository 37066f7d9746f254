import type pg from 'pg';
import { isStopped } from '../../database/errors.ts';
import type { EvidenceStatement, PlanFacts } from './evidence.ts';
import { type ExplainedPlan, planFacts } from './plan.ts';

const NAME = 'evenkeel_evidence';

/** An array as PostgreSQL reads it. */
const arrayText = (values: readonly unknown[]): string =>
  `{${values.map((value) => (value === null ? 'null' : `"${String(value).replace(/[\\"]/g, '\\$&')}"`)).join(',')}}`;

/** `execute` takes no parameters but literals, of which PostgreSQL makes what the parameter's type asks for. */
const literal = (client: pg.ClientBase, value: unknown): string => {
  if (value === null || value === undefined) return 'null';
  if (Buffer.isBuffer(value)) throw new Error('a binary parameter cannot be written as a literal');
  const text = Array.isArray(value) ? arrayText(value) : value instanceof Date ? value.toISOString() : String(value);
  return client.escapeLiteral(text);
};

const explainPrepared = async (
  client: pg.ClientBase,
  { text, values, settings = {} }: EvidenceStatement,
  options: string,
): Promise<ExplainedPlan> => {
  for (const [name, value] of Object.entries(settings))
    await client.query('select set_config($1, $2, true)', [name, value]);
  await client.query(`prepare ${NAME} as ${text}`);
  const given = values.length === 0 ? '' : `(${values.map((value) => literal(client, value)).join(', ')})`;
  const { rows } = await client.query<{ 'QUERY PLAN': ExplainedPlan[] }>(
    `explain (${options}, format json) execute ${NAME}${given}`,
  );
  const plan = rows[0]?.['QUERY PLAN'][0];
  if (plan === undefined) throw new Error('explain gave no plan');
  return plan;
};

/**
 * What a calculating connection would make of a statement, and what it takes to run it: prepared, as there, since a plan for these
 * values alone may be another. Where it takes too long, the plan without its times.
 *
 * @param inTransaction runs its work in a read-only transaction that is rolled back, with the capture's limits
 */
export const explainStatement = async (
  inTransaction: <T>(work: (client: pg.ClientBase) => Promise<T>) => Promise<T>,
  statement: EvidenceStatement,
): Promise<PlanFacts> => {
  const explained = (options: string): Promise<ExplainedPlan> =>
    inTransaction(async (client) => {
      await client.query(`deallocate all`);
      return explainPrepared(client, statement, options);
    });
  try {
    return planFacts(statement.name, await explained('analyze, buffers'));
  } catch (error) {
    if (!isStopped(error)) throw error;
    return planFacts(statement.name, await explained('costs'));
  }
};
