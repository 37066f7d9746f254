import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { EvenkeelError, invalid, malformed } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import { pathOf, quote, unstorable } from '../core/text.ts';

const MAX_USER_ID = 255;
const MAX_LISTED_NAMES = 12;

const shapeAt = (schema: z.ZodType, path: readonly PropertyKey[]): string[] => {
  let current: unknown = schema;
  for (const step of path) {
    while (current instanceof z.ZodOptional || current instanceof z.ZodNullable) current = current.unwrap();
    if (current instanceof z.ZodObject) current = current.shape[String(step)];
    else if (current instanceof z.ZodArray) current = current.element;
    else return [];
  }
  while (current instanceof z.ZodOptional || current instanceof z.ZodNullable) current = current.unwrap();
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
};

/** What may have been meant; else what there is, where that is not much. */
const hintOf = (name: string, known: readonly string[]): { hint?: string } => {
  const meant = didYouMean(name, known);
  if (meant.hint !== undefined || known.length === 0 || known.length > MAX_LISTED_NAMES) return meant;
  return { hint: `known are ${known.join(', ')}` };
};

const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inner, step) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[step], value);

const problem = (schema: z.ZodType, value: unknown, issue: z.core.$ZodIssue, what: string): EvenkeelError => {
  const path = pathOf('', issue.path);
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    return invalid(`unknown ${what} ${quote(key)}`, {
      path: pathOf('', [...issue.path, key]),
      ...hintOf(key, shapeAt(schema, issue.path)),
    });
  }
  if (issue.code === 'invalid_value') {
    const known = issue.values.map(String);
    const given = path === '' ? undefined : at(value, issue.path);
    return invalid(`${path || `the ${what}`} must be one of ${known.join(', ')}`, {
      path,
      ...(typeof given === 'string' ? didYouMean(given, known) : {}),
    });
  }
  if (path !== '' && at(value, issue.path) === undefined) return invalid(`${path} is missing`, { path });
  const message = issue.message.replace(/^Invalid input: /, '');
  return invalid(
    path === '' ? `the ${what === 'field' ? 'body' : what}: ${message}` : `${path}: ${message}`,
    path === '' ? {} : { path },
  );
};

/** What `schema` makes of `value`. Throws 422 that says where and, of unknown names, what may have been meant. */
export const validate = <S extends z.ZodType>(
  schema: S,
  value: unknown,
  what: 'field' | 'query parameter' | 'path parameter',
): z.output<S> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  // A name that is not known comes first: mostly it is another one, misspelt, that is then missing.
  const { issues } = parsed.error;
  const first = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  throw first === undefined ? invalid(`the ${what} is not valid`) : problem(schema, value, first, what);
};

/** The query string, each name once. Throws 400 for what is not percent-encoded UTF-8, 422 for a name given twice. */
export const readQuery = (request: IncomingMessage): Record<string, string> => {
  const url = request.url ?? '/';
  const at = url.indexOf('?');
  const query: Record<string, string> = Object.create(null);
  if (at < 0) return query;
  for (const pair of url.slice(at + 1).split('&')) {
    if (pair === '') continue;
    const [name = '', ...rest] = pair.split('=').map(decode);
    if (name in query) throw invalid(`query parameter ${quote(name)} is given twice`, { path: pathOf('', [name]) });
    query[name] = rest.join('=');
  }
  return query;
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw malformed('the query string is not percent-encoded UTF-8');
  }
};

/** A whole number in a query string. */
export const integerParameter = (low: number, high: number) =>
  z.preprocess(
    (text) => (typeof text === 'string' && /^-?[0-9]{1,15}$/.test(text) ? Number(text) : text),
    z
      .int(`must be a whole number from ${low} to ${high}`)
      .min(low, `must be at least ${low}`)
      .max(high, `must be at most ${high}`),
  );

/** Text that PostgreSQL can store. */
export const plainText = (low: number, high: number) =>
  z
    .string()
    .min(low, low === 1 ? 'must not be empty' : `must have at least ${low} characters`)
    .max(high, `must have at most ${high} characters`)
    .superRefine((text, context) => {
      const fault = unstorable(text);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: `must not hold ${fault}` });
    });

/** Text that says something: more than spaces. */
export const saidText = (high: number) =>
  plainText(1, high).refine((text) => text === '' || text.trim() !== '', 'must not be blank');

export const userId = plainText(1, MAX_USER_ID);

/** A moment in a query string or a body, as ISO 8601 with a zone. */
export const instant = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-01-31T00:00:00Z' });
