import { CHUNK_BITS } from '../index/layout.ts';
import { bits } from './bits.ts';
import { cost } from './cost.ts';
import type { Parameters } from './parameters.ts';
import type { Source } from './slices.ts';

/** Where bitmaps do not help, the rows of the chunk's users are read, and who matches becomes a bitmap. */

const usersWhere = (predicate: string): Source => ({
  bits: bits(
    `(select evenkeel_bitmap(array_agg(u.ordinal % ${CHUNK_BITS})) from users u where u.shard = c.shard and ${predicate})`,
  ),
  cost: cost({ scans: 1 }),
  source: 'users',
});

/**
 * The value under a path of object members, as jsonb (`->`) or text (`->>`). Not `#>`, which would also take `0` for the first
 * element of an array: a property path reaches into objects only.
 */
const at = (parameters: Parameters, property: string, last: '->' | '->>'): string => {
  const keys = property.split('.').map((key) => parameters.add(key, 'text'));
  return `(u.properties ${keys.map((key, i) => `${i === keys.length - 1 ? last : '->'} ${key}`).join(' ')})`;
};

const isOf = (parameters: Parameters, property: string, type: 'string' | 'number' | 'array'): string =>
  `jsonb_typeof${at(parameters, property, '->')} = '${type}'`;

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

type Matching = 'contains' | 'starts_with' | 'ends_with';
const PATTERN: Record<Matching, (text: string) => string> = {
  contains: (text) => `%${escapeLike(text)}%`,
  starts_with: (text) => `${escapeLike(text)}%`,
  ends_with: (text) => `%${escapeLike(text)}`,
};

/**
 * Users whose property is a string that a text operator matches. Bytes are compared (`collate "C"`), which for UTF-8 is by code
 * point. The type is asked of what matches only; measured over 256,000 users of 8 properties: 94 ms so, 241 ms type first.
 */
export const usersWithTextLike = (parameters: Parameters, property: string, matching: Matching, text: string): Source =>
  usersWhere(
    `${at(parameters, property, '->>')} collate "C" like ${parameters.add(PATTERN[matching](text), 'text')} ` +
      `and ${isOf(parameters, property, 'string')}`,
  );

export const usersWithTextIn = (parameters: Parameters, property: string, texts: readonly string[]): Source =>
  usersWhere(
    `${at(parameters, property, '->>')} collate "C" = any(${parameters.add(texts, 'text[]')}) ` +
      `and ${isOf(parameters, property, 'string')}`,
  );

/** The type is asked first, in a `case`, since a cast of other text would fail. */
export const usersWithNumberIn = (parameters: Parameters, property: string, numbers: readonly number[]): Source =>
  usersWhere(
    `case when ${isOf(parameters, property, 'number')} then ` +
      `${at(parameters, property, '->>')}::float8 = any(${parameters.add(numbers, 'float8[]')}) else false end`,
  );

/** Users whose property is an array with at least one of the elements (`every`: all of them), each given as JSON. */
export const usersWithElements = (
  parameters: Parameters,
  property: string,
  elements: readonly string[],
  every: boolean,
): Source => {
  const wanted = parameters.add(
    elements.map((element) => `[${element}]`),
    'jsonb[]',
  );
  return usersWhere(
    `${at(parameters, property, '->')} @> ${every ? 'all' : 'any'}(${wanted}) and ${isOf(parameters, property, 'array')}`,
  );
};
