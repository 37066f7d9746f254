import { CHUNK_BITS } from '../index/layout.ts';
import { bits } from './bits.ts';
import { cost } from './cost.ts';
import type { Source } from './slices.ts';

/** Where bitmaps do not help, the rows of the chunk's users are read, and for whom `predicate` holds becomes a bitmap. */
export const usersWhere = (predicate: string): Source => ({
  bits: bits(
    `(select evenkeel_bitmap(u.ordinal % ${CHUNK_BITS}, 1) from users u where u.shard = c.shard and ${predicate})`,
  ),
  cost: cost({ scans: 1 }),
  source: 'users',
});
