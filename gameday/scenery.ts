/** Who and what is there before anything happens. The same every time. */

// acme is nearly all of the table of users, so that a pass over its rows goes by pages.
export const WORKSPACES = [
  { name: 'acme', chunks: 6, usersAChunk: 700 },
  { name: 'globex', chunks: 2, usersAChunk: 10 },
  { name: 'initech', chunks: 2, usersAChunk: 10 },
] as const;

export const usersOf = (workspace: string): number =>
  WORKSPACES.filter(({ name }) => name === workspace).reduce(
    (sum, { chunks, usersAChunk }) => sum + chunks * usersAChunk,
    0,
  );

const PLANS = ['free', 'pro', 'team'];

export const traitsOf = (n: number): object => ({
  plan: PLANS[n % PLANS.length],
  ltv: (n * 7_919) % 5_000,
  ...(n % 2 === 0 ? { phone: `+49 30 ${n}` } : {}),
  // A number of milliseconds: bitmaps cannot tell its anniversary, so the rows are read.
  ...(n % 100 === 0 ? { born: Date.UTC(1980, 0, 1 + (n % 365)) } : {}),
});

const phone = { type: 'property', property: 'phone', operator: 'is_set' };
const pro = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' };
const rich = { type: 'property', property: 'ltv', operator: 'greater_than', value: 1_000 };
const born = { type: 'property', property: 'born', operator: 'anniversary', value: { days: 0 } };
const bought = { type: 'event', event: 'purchase', count: { atLeast: 1 }, within: { last: { days: 30 } } };
const all = (...of: object[]): object => ({ type: 'all', of });

const EVERYWHERE: Record<string, object> = {
  'with-phone': phone,
  'on-pro': pro,
  rich,
  'bought-lately': bought,
  'rich-with-phone': all(rich, phone),
};
const AT_ACME: Record<string, object> = {
  ...EVERYWHERE,
  birthday: born,
  'pro-birthday': all(pro, born),
  'birthday-soon': { ...born, value: { days: 7 } },
  'birthday-with-phone': all(born, phone),
  'pro-bought-lately': all(pro, bought),
};

/** Kinds overlap, as they do in life. */
export const SEGMENTS = WORKSPACES.flatMap(({ name }) =>
  Object.entries(name === 'acme' ? AT_ACME : EVERYWHERE).map(([segment, condition]) => ({
    workspace: name,
    segment,
    condition,
  })),
);
