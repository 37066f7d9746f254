import { CHUNK_BITS } from '../index/layout.ts';
import { bits } from './bits.ts';
import { cost } from './cost.ts';
import type { Parameters } from './parameters.ts';
import type { Source } from './slices.ts';

/** Where bitmaps do not help, the rows of the chunk's users are read, and who matches becomes a bitmap. */

/**
 * The value under a path of object members. Not `#>`, which would also take `0` for the first element of an array: a property
 * path reaches into objects only.
 */
const at = (parameters: Parameters, property: string): string =>
  ['u.properties', ...property.split('.').map((key) => parameters.add(key, 'text'))].join(' -> ');

/** The users for whom a predicate on their property `p.value` holds. */
export const usersWhere = (parameters: Parameters, property: string, predicate: (value: string) => string): Source => ({
  bits: bits(
    `(select evenkeel_bitmap(array_agg(u.ordinal % ${CHUNK_BITS})) from users u ` +
      `cross join lateral (select ${at(parameters, property)} as value offset 0) p ` +
      `where u.shard = c.shard and ${predicate('p.value')})`,
  ),
  cost: cost({ scans: 1 }),
  source: 'users',
});

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

type Matching = 'contains' | 'starts_with' | 'ends_with';
const PATTERN: Record<Matching, (text: string) => string> = {
  contains: (text) => `%${escapeLike(text)}%`,
  starts_with: (text) => `${escapeLike(text)}%`,
  ends_with: (text) => `%${escapeLike(text)}`,
};

/** Strings that a text operator matches. Bytes are compared (`collate "C"`), which for UTF-8 is by code point. */
export const textLike = (parameters: Parameters, value: string, matching: Matching, text: string): string =>
  `case jsonb_typeof(${value}) when 'string' then ` +
  `(${value} #>> '{}') collate "C" like ${parameters.add(PATTERN[matching](text), 'text')} else false end`;

export const textIn = (parameters: Parameters, value: string, texts: readonly string[]): string =>
  `case jsonb_typeof(${value}) when 'string' then ` +
  `(${value} #>> '{}') collate "C" = any(${parameters.add(texts, 'text[]')}) else false end`;

export const numberIn = (parameters: Parameters, value: string, numbers: readonly number[]): string =>
  `case jsonb_typeof(${value}) when 'number' then ` +
  `(${value} #>> '{}')::float8 = any(${parameters.add(numbers, 'float8[]')}) else false end`;

/** Arrays that hold at least one of the elements (`all`: every one), each given as JSON. */
export const arrayHolds = (
  parameters: Parameters,
  value: string,
  elements: readonly string[],
  every: boolean,
): string =>
  `case jsonb_typeof(${value}) when 'array' then ${value} @> ${every ? 'all' : 'any'}(${parameters.add(
    elements.map((element) => `[${element}]`),
    'jsonb[]',
  )}) else false end`;
