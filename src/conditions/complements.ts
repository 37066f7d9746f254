import type { PropertyOperator } from './types.ts';

/** Negative operators with the positive ones of which they are the exact complements, over all users. */
export const POSITIVE: { readonly [O in PropertyOperator]?: PropertyOperator } = {
  is_not_set: 'is_set',
  not_equals: 'equals',
  not_in: 'in',
  not_contains: 'contains',
  not_within_last: 'within_last',
  not_includes: 'includes',
};

/** Operators that are each other's complement, either way. */
export const COMPLEMENT: { readonly [O in PropertyOperator]?: PropertyOperator } = {
  ...POSITIVE,
  ...Object.fromEntries(Object.entries(POSITIVE).map(([negative, positive]) => [positive, negative])),
};
