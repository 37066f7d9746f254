import type pg from 'pg';
import { type Pattern, patternsOf } from '../conditions/patterns.ts';
import type { Condition } from '../conditions/types.ts';
import { EvenkeelError, invalid } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import { isInvalidPattern, isStopped } from '../database/errors.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { PATTERN_CHECK_MS, PATTERN_STATEMENT_MS } from './limits.ts';

/**
 * Regular expressions are PostgreSQL's, and it may take one of them ages to find out that a text does not match. So that no thread
 * is stuck with it, every statement that may run one has a time limit of its own, much shorter than a calculation's.
 */

const LIMIT = sql('calculations-limit-statement');
const RESTORE = `select set_config('statement_timeout', $1::integer::text, true)`;
const READ = `select '' collate "und-x-icu" ~ $1::text`;

/** The share of a limit from which on a statement that was stopped counts as stopped by it: PostgreSQL does not tell. */
const NEARLY = 0.95;

/**
 * Whether PostgreSQL can read the regular expressions of a condition.
 *
 * @throws EvenkeelError 422 for the first that it cannot, with its reason, or that it takes more than PATTERN_CHECK_MS to read
 */
export const checkPatterns = async (pool: pg.Pool, condition: Condition): Promise<void> => {
  const patterns = patternsOf(condition);
  if (patterns.length === 0) return;
  const began = performance.now();
  await transaction(pool, async (client) => {
    for (const pattern of patterns) {
      const leftMs = Math.max(1, Math.ceil(PATTERN_CHECK_MS - (performance.now() - began)));
      await client.query(LIMIT, [leftMs]);
      await client.query(READ, [pattern.text]).catch((error: unknown) => {
        throw problemOf(error, pattern);
      });
    }
  });
};

const problemOf = (error: unknown, { path }: Pattern): unknown => {
  const hint = 'regular expressions are PostgreSQL’s: https://www.postgresql.org/docs/current/functions-matching.html';
  if (isInvalidPattern(error)) return invalid(`"value": ${(error as Error).message}`, { path, hint });
  if (!isStopped(error)) return error;
  return invalid(`"value": the regular expression takes more than ${PATTERN_CHECK_MS} ms to be read`, {
    path,
    hint: 'simplify it, or look for its parts with "contains"',
  });
};

/** Whether `withPatternLimit` would limit anything. */
export const hasPatterns = (condition: Condition): boolean => patternsOf(condition).length > 0;

/**
 * Runs `work`, which may match the condition's regular expressions, each statement for PATTERN_STATEMENT_MS at most; without any
 * as it is. Within a transaction, which is over where a limit was reached.
 *
 * @throws EvenkeelError `pattern_too_slow`
 */
export const withPatternLimit = async <T>(db: Queryable, condition: Condition, work: () => Promise<T>): Promise<T> => {
  const patterns = patternsOf(condition);
  if (patterns.length === 0) return work();
  const { rows } = await db.query<{ before_ms: number; now_ms: number }>(LIMIT, [PATTERN_STATEMENT_MS]);
  const [limit] = rows;
  if (limit === undefined) throw new Error('PostgreSQL has no statement_timeout');
  const began = performance.now();
  const done = await work().catch((error: unknown) => {
    throw isStopped(error) && performance.now() - began >= NEARLY * limit.now_ms
      ? tooSlow(patterns, limit.now_ms)
      : error;
  });
  await db.query(RESTORE, [limit.before_ms]);
  return done;
};

const tooSlow = (patterns: readonly Pattern[], limitMs: number): EvenkeelError => {
  const [only] = patterns;
  const which =
    only !== undefined && patterns.length === 1
      ? `the regular expression ${quote(only.text)}`
      : `one of ${patterns.length} regular expressions`;
  return new EvenkeelError(422, 'pattern_too_slow', `${which} was matched for more than ${limitMs} ms`, {
    hint: 'avoid back references and nested repetitions, or look for a part of the text with "contains"',
  });
};
