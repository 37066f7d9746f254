import type { z } from 'zod';
import { type EvenkeelError, invalid } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import { describe, keyPath, pathOf, quote } from '../core/text.ts';
import { parseIsoDate } from './dates.ts';

/** Issues whose message is an expectation; of the others it is a sentence. */
const isExpectation = (issue: z.core.$ZodIssue): boolean =>
  issue.code === 'invalid_type' ||
  issue.code === 'invalid_value' ||
  (issue.code === 'invalid_union' && !issue.message.startsWith('must ')) ||
  // a tuple of the wrong length, a whole number beyond 2^53
  ((issue.code === 'too_small' || issue.code === 'too_big') && !issue.message.startsWith('must '));

const valueAt = (json: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown>)[step], json);

/** Own fields of the objects inside leaves, for "did you mean". */
const INNER_FIELDS: Record<string, readonly string[]> = {
  count: ['atLeast', 'atMost', 'exactly', 'between'],
  within: ['last', 'from', 'to'],
  value: ['minutes', 'hours', 'days', 'weeks'],
  last: ['minutes', 'hours', 'days', 'weeks'],
  after: ['minutes', 'hours', 'days', 'weeks'],
  steps: ['event', 'after', 'where'],
};

/** 422: a field that is not one of `fields`, which are those of `owner`, such as `operator "is_set"`. */
export const unknownField = (name: string, path: string, owner: string, fields: readonly string[]): EvenkeelError =>
  invalid(`unknown field ${quote(name)}`, {
    path: keyPath(path, name),
    hint: didYouMean(name, fields).hint ?? `${owner} takes ${fields.join(', ')}`,
  });

/**
 * The one thing to say of a leaf that its schema refused. A field that it does not know comes first: mostly it is another one,
 * misspelt, that is then missing.
 *
 * @param json the leaf as it was sent
 * @param owner who takes `fields`: `operator "is_set"`
 */
export const leafProblem = (
  error: z.ZodError,
  json: unknown,
  path: string,
  owner: string,
  fields: readonly string[],
): EvenkeelError => {
  const unknown = error.issues.find((issue) => issue.code === 'unrecognized_keys');
  if (unknown?.code === 'unrecognized_keys') {
    // an element of a list is known by the list
    const inner = unknown.path.findLast((step) => typeof step === 'string');
    const [of, known] =
      inner === undefined ? [owner, fields] : [quote(String(inner)), INNER_FIELDS[String(inner)] ?? fields];
    return unknownField(unknown.keys[0] ?? '', pathOf(path, unknown.path), of, known);
  }
  const issue = error.issues[0];
  if (issue === undefined) return invalid('is not a condition', { path });
  const where = { path: pathOf(path, issue.path) };
  const name = quote(String(issue.path.findLast((step) => typeof step === 'string') ?? 'condition'));
  const found = valueAt(json, issue.path);
  if (!isExpectation(issue)) return invalid(`${name} ${issue.message}`, where);
  if (found === undefined) return invalid(`${name} is missing: expected ${issue.message}`, where);
  const hint = hintFor(json, issue);
  return invalid(
    `${name}: expected ${issue.message}, found ${describe(found)}`,
    hint === undefined ? where : { ...where, hint },
  );
};

const NUMBER_OPERATORS = new Set(['greater_than', 'at_least', 'less_than', 'at_most', 'between']);

const hintFor = (json: unknown, issue: z.core.$ZodIssue): string | undefined => {
  const { operator, value } = json as { operator?: string; value?: unknown };
  if (issue.path[0] !== 'value' || operator === undefined) return undefined;
  if ((operator === 'equals' || operator === 'not_equals') && Array.isArray(value))
    return `a list of values goes with "${operator === 'equals' ? 'in' : 'not_in'}"`;
  if ((operator === 'equals' || operator === 'not_equals') && value === null)
    return `for users without the property use "${operator === 'equals' ? 'is_not_set' : 'is_set'}"`;
  if ((operator === 'in' || operator === 'not_in') && !Array.isArray(value))
    return `one value goes with "${operator === 'in' ? 'equals' : 'not_equals'}"`;
  if (!NUMBER_OPERATORS.has(operator) || typeof value !== 'string') return undefined;
  if (parseIsoDate(value) !== undefined) return 'dates are compared by "before", "after" and "on"';
  return value.trim() !== '' && Number.isFinite(Number(value)) ? 'write the number without quotes' : undefined;
};
