import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { bitmapsParameter, fullBitmap } from './bitmap.ts';
import type { Column } from './columns.ts';
import { CHUNK_BYTES, chunkOf } from './layout.ts';
import type { Planes } from './planes.ts';

const WRITE_SLICES = sql('index-write-slices');
const WRITE_POPULATION = sql('index-write-population');

/** Bitmaps a statement: what PostgreSQL and node-postgres hold at once. */
const MAX_STATEMENT_BYTES = 8 * 1024 * 1024;

const EVERYBODY = fullBitmap();

/**
 * Collects the new bits of columns and writes them many at a time, of however many shards: some changed users in each of 32 chunks are
 * one statement and not 32.
 */
export class SliceWriter {
  readonly #db: Queryable;
  /** By shard and column, each once: a statement sees none of its own changes. */
  #columns = new Map<string, { readonly shard: number; readonly id: number; readonly touched: Uint8Array }>();
  #slices: { readonly shard: number; readonly columnId: number; readonly slice: number; readonly bits: Buffer }[] = [];

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** `planes` holds the bits of touched users only; undefined touches everybody. */
  async add(shard: number, { id }: Column, planes: Planes, touched: Uint8Array | undefined): Promise<void> {
    const key = `${shard},${id}`;
    if (this.#columns.has(key)) await this.flush();
    this.#columns.set(key, { shard, id, touched: touched ?? EVERYBODY });
    for (const [slice, bits] of planes.slices) this.#slices.push({ shard, columnId: id, slice, bits });
    if ((this.#slices.length + this.#columns.size) * CHUNK_BYTES > MAX_STATEMENT_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#columns.size === 0) return;
    const columns = [...this.#columns.values()];
    const slices = this.#slices;
    this.#columns = new Map();
    this.#slices = [];
    await this.#db.query(WRITE_SLICES, [
      slices.map(({ shard }) => shard),
      slices.map(({ columnId }) => columnId),
      slices.map(({ slice }) => slice),
      bitmapsParameter(slices.map(({ bits }) => bits)),
      columns.map(({ shard }) => shard),
      columns.map(({ id }) => id),
      bitmapsParameter(columns.map(({ touched }) => touched)),
    ]);
  }
}

/** Who exists: `users` among the touched. The chunk gets its row where it has none. */
export const writePopulation = async (
  db: Queryable,
  workspaceId: number,
  shard: number,
  users: Buffer,
  touched: Uint8Array | undefined,
): Promise<void> => {
  await db.query(WRITE_POPULATION, [
    shard,
    workspaceId,
    chunkOf(shard),
    bitmapsParameter([users, touched ?? EVERYBODY]),
  ]);
};
