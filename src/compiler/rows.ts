import { CHUNK_BITS } from '../index/layout.ts';
import { bits, within, ZERO } from './bits.ts';
import { addCosts, cost } from './cost.ts';
import type { Source } from './slices.ts';

/** Where bitmaps do not help, the rows of the chunk's users are read, and for whom `predicate` holds becomes a bitmap. */
export const usersWhere = (predicate: string): Source => ({
  bits: bits(
    `(select evenkeel_bitmap(u.ordinal % ${CHUNK_BITS}, 1) from users u where u.shard = c.shard and ${predicate})`,
  ),
  cost: cost({ scans: 1 }),
  source: 'users',
});

/** The rows of those alone who are in `candidates`. Most chunks have none, and look no further. */
export const usersAmong = (candidates: Source, predicate: string): Source => ({
  bits: bits(
    `(select case when m.bits = ${ZERO} then ${ZERO} else ` +
      `(select evenkeel_bitmap(o, 1) from generate_series(0, ${CHUNK_BITS - 1}) o ` +
      `join users u on u.shard = c.shard and u.ordinal = c.chunk * ${CHUNK_BITS} + o ` +
      `where get_bit(m.bits, o) = 1 and ${predicate}) end ` +
      `from (select ${within('c.users', candidates.bits)} as bits offset 0) m)`,
  ),
  cost: addCosts([candidates.cost, cost({ operations: 3 })]),
  source: 'users',
});
