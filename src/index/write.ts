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

/** Collects the new bits of one shard's columns and writes them some columns at a time. */
export class SliceWriter {
  readonly #db: Queryable;
  readonly #shard: number;
  #columns: { readonly id: number; readonly touched: Uint8Array }[] = [];
  #slices: { readonly columnId: number; readonly slice: number; readonly bits: Buffer }[] = [];

  constructor(db: Queryable, shard: number) {
    this.#db = db;
    this.#shard = shard;
  }

  /** `planes` holds the bits of touched users only; undefined touches everybody. */
  async add(column: Column, planes: Planes, touched: Uint8Array | undefined): Promise<void> {
    this.#columns.push({ id: column.id, touched: touched ?? EVERYBODY });
    for (const [slice, bits] of planes.slices) this.#slices.push({ columnId: column.id, slice, bits });
    if ((this.#slices.length + this.#columns.length) * CHUNK_BYTES > MAX_STATEMENT_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#columns.length === 0) return;
    const columns = this.#columns;
    const slices = this.#slices;
    this.#columns = [];
    this.#slices = [];
    await this.#db.query(WRITE_SLICES, [
      this.#shard,
      slices.map(({ columnId }) => columnId),
      slices.map(({ slice }) => slice),
      bitmapsParameter(slices.map(({ bits }) => bits)),
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
