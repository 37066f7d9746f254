import type pg from 'pg';
import { copiedLines } from '../data/copy.ts';
import { LTV_ABOVE, LTV_RANGE, type Query } from '../works/conditions.ts';

/** What the peers that are bitmaps by themselves need: one bitmap a fact, and one a bit of `ltv` in hundredths. */

export const LTV_BITS = 20;
const HUNDREDTHS = 100;

export const FACTS = ['everybody', 'ltv', 'pro', 'team', 'german', 'subscribed'] as const;
export type Fact = (typeof FACTS)[number] | `ltv${number}`;

export const factNames: readonly Fact[] = [
  ...FACTS,
  ...Array.from({ length: LTV_BITS }, (_, bit): Fact => `ltv${bit}`),
];

/** Bit `index` of a bitmap stands as Redis has it: the highest of a byte comes first. */
const setBit = (bitmap: Buffer, index: number): void => {
  bitmap[index >> 3] = (bitmap[index >> 3] as number) | (128 >> (index & 7));
};

/** Indexes of the bits that are set. */
export function* bitsOf(bitmap: Uint8Array): Generator<number> {
  for (let byte = 0; byte < bitmap.length; byte++)
    for (let rest = bitmap[byte] as number; rest !== 0; ) {
      const bit = Math.clz32(rest) - 24;
      yield byte * 8 + bit;
      rest &= ~(128 >> bit);
    }
}

/** Reads the facts of all users out of the service's rows. User 1 is bit 0. */
export const readFacts = async (db: pg.ClientBase, users: number): Promise<ReadonlyMap<Fact, Buffer>> => {
  const bitmaps = new Map(factNames.map((fact) => [fact, Buffer.alloc(Math.ceil(users / 8))]));
  const set = (fact: Fact, index: number): void => setBit(bitmaps.get(fact) as Buffer, index);
  const query = `select ordinal, properties ->> 'plan', properties ->> 'country', properties ->> 'subscribed',
    properties ->> 'ltv' from users`;
  for await (const line of copiedLines(db, query)) {
    const [ordinal, plan, country, subscribed, ltv] = line.split(',');
    const index = Number(ordinal);
    set('everybody', index);
    if (plan === 'pro' || plan === 'team') set(plan, index);
    if (country === 'DE') set('german', index);
    if (subscribed === 'true') set('subscribed', index);
    if (ltv === undefined || ltv === '') continue;
    set('ltv', index);
    const code = Math.round(Number(ltv) * HUNDREDTHS);
    for (let bit = 0; bit < LTV_BITS; bit++) if ((code >> bit) & 1) set(`ltv${bit}`, index);
  }
  return bitmaps;
};

/** The operations of a bitmap library. */
export interface Algebra<B> {
  of(fact: Fact): B;
  and(a: B, b: B): B;
  or(a: B, b: B): B;
  andNot(a: B, b: B): B;
}

/** Who has `ltv` of at least `code` hundredths (O'Neil & Quass): from the lowest bit, `&` where it is 1 and `|` where it is 0. */
const atLeast = <B>(algebra: Algebra<B>, code: number): B => {
  let found = algebra.of('ltv');
  for (let bit = 0; bit < LTV_BITS; bit++) {
    const slice = algebra.of(`ltv${bit}`);
    if ((code >> bit) & 1) found = algebra.and(found, slice);
    else if (bit > lowestOne(code)) found = algebra.or(found, slice);
  }
  return found;
};

/** Below the lowest 1 nothing can be less. */
const lowestOne = (code: number): number => (code === 0 ? LTV_BITS : 31 - Math.clz32(code & -code));

type BitmapQuery = Extract<Query, 'is_set' | 'tree5' | 'range'>;
export const BITMAP_QUERIES: readonly BitmapQuery[] = ['is_set', 'tree5', 'range'];

/** A query in the operations of a bitmap library. */
export const evaluate = <B>(algebra: Algebra<B>, query: Query): B => {
  switch (query) {
    case 'is_set':
      return algebra.and(algebra.of('everybody'), algebra.of('ltv'));
    case 'tree5': {
      const plans = algebra.or(algebra.of('pro'), algebra.of('team'));
      const valuable = atLeast(algebra, LTV_ABOVE * HUNDREDTHS + 1);
      return algebra.andNot(algebra.and(algebra.and(plans, valuable), algebra.of('subscribed')), algebra.of('german'));
    }
    case 'range':
      return algebra.andNot(
        atLeast(algebra, LTV_RANGE[0] * HUNDREDTHS),
        atLeast(algebra, LTV_RANGE[1] * HUNDREDTHS + 1),
      );
    default:
      throw new Error(`${query} is not a query of bitmaps alone`);
  }
};
