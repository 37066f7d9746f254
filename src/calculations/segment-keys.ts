import { invalid } from '../core/errors.ts';

export const MAX_KEY_LENGTH = 64;
const KEY = /^[a-zA-Z0-9_-]{1,64}$/;
/** Leaves room for a number behind it. */
const MAX_SLUG_LENGTH = 56;

/** `GET /v1/segments/preview` and its like are calls of their own: a segment of that key could not be reached. */
const RESERVED: ReadonlySet<string> = new Set(['preview', 'explain']);

export const readKey = (value: unknown, path = 'key'): string => {
  if (typeof value === 'string' && RESERVED.has(value))
    throw invalid(`${path} must not be "${value}": /v1/segments/${value} is a call of its own`, { path });
  if (typeof value === 'string' && KEY.test(value)) return value;
  throw invalid(`${path} must be 1 to ${MAX_KEY_LENGTH} letters, digits, "_" or "-"`, { path });
};

/** `Crème & Co` → `creme-co`; what has no Latin letter or digit → `segment`. */
export const slug = (name: string): string => {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_SLUG_LENGTH)
    .replace(/^-+|-+$/g, '');
  return plain === '' ? 'segment' : plain;
};

/** `vip`, or `vip-2`, `vip-3`… where those are taken. */
export const freeKey = (name: string, taken: ReadonlySet<string>): string => {
  const base = slug(name);
  if (!taken.has(base) && !RESERVED.has(base)) return base;
  for (let number = 2; ; number += 1) {
    const key = `${base}-${number}`;
    if (!taken.has(key)) return key;
  }
};
