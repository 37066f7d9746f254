import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';

/**
 * Bitmaps that are kept of leaves (migrations/0013_kept_leaves.sql). They are of no use any more as soon as the slices of their property
 * change, and a chunk without one is evaluated; so whoever folds takes them away in the same transaction.
 */

const DROP = sql('index-drop-kept-bits');

/** What a fold has to take away, in one statement at its end. */
export class KeptBits {
  readonly #db: Queryable;
  readonly #folded = new Map<string, { readonly shard: number; readonly propertyId: number }>();

  constructor(db: Queryable) {
    this.#db = db;
  }

  add(shard: number, propertyId: number): void {
    this.#folded.set(`${shard},${propertyId}`, { shard, propertyId });
  }

  async drop(): Promise<void> {
    const folded = [...this.#folded.values()];
    this.#folded.clear();
    if (folded.length === 0) return;
    await this.#db.query(DROP, [folded.map(({ shard }) => shard), folded.map(({ propertyId }) => propertyId)]);
  }
}

/** Whoever is erased holds for no positive operator, so the bitmaps stay right without their bit. */
export const eraseFromKept = async (db: Queryable, shard: number, offset: number): Promise<void> => {
  await db.query(
    `update kept_bits set bits = set_bit(bits, $2::integer, 0)
     where shard = $1::bigint and get_bit(bits, $2::integer) = 1`,
    [shard, offset],
  );
};
