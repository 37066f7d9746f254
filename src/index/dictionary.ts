import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import type { Column } from './columns.ts';
import { digestOf } from './digest.ts';

/** Different texts of one property that get codes; with more the property is read from the rows. 21 slices. */
export const MAX_TEXT_CODES = 2_000_000;
/** Different elements of one property's arrays: each is a bitmap of its own. */
export const MAX_ARRAY_CODES = 2_000;

/** Values a statement. */
const BATCH = 5_000;
/** What a fold remembers of the dictionary, to ask once for what comes again: values, and the longest one of them. */
const MAX_REMEMBERED = 100_000;
const MAX_REMEMBERED_LENGTH = 100;

const LOOKUP = sql('index-lookup-codes');
const INSERT = sql('index-insert-codes');

const limitOf = (column: Column): number => (column.type === 'array' ? MAX_ARRAY_CODES : MAX_TEXT_CODES);

interface Unknown {
  readonly column: Column;
  readonly value: string;
  readonly digest: string;
}

/** Values to codes, for one transaction: what it remembers may be rolled back with it. */
export class Dictionary {
  readonly #db: Queryable;
  readonly #known = new Map<number, Map<string, number>>();
  #remembered = 0;
  #long: { readonly columnId: number; readonly value: string }[] = [];

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** The code of a value that `resolve` was given just before, undefined where its column has overflowed. */
  code(column: Column, value: string): number | undefined {
    return column.overflowed ? undefined : this.#known.get(column.id)?.get(value);
  }

  /** Gives codes to all values, new ones where they have none; a column that would have too many overflows. */
  async resolve(values: ReadonlyMap<Column, ReadonlySet<string>>): Promise<void> {
    if (this.#remembered > MAX_REMEMBERED) this.#forget();
    const unknown: Unknown[] = [];
    for (const [column, each] of values) {
      if (column.overflowed) continue;
      const known = this.#known.get(column.id);
      for (const value of each) if (!known?.has(value)) unknown.push({ column, value, digest: digestOf(value) });
    }
    for (let at = 0; at < unknown.length; at += BATCH) await this.#resolveBatch(unknown.slice(at, at + BATCH));
  }

  /** Drops what is too long to keep; to be called when a page is done. */
  endPage(): void {
    for (const { columnId, value } of this.#long) this.#known.get(columnId)?.delete(value);
    this.#long = [];
  }

  async #resolveBatch(batch: readonly Unknown[]): Promise<void> {
    const { rows } = await this.#db.query<{ position: number; code: number | null }>(LOOKUP, [
      batch.map(({ column }) => column.id),
      batch.map(({ digest }) => digest),
    ]);
    const found = new Set<number>();
    for (const { position, code } of rows) {
      if (code === null) continue;
      found.add(position - 1);
      this.#remember(batch[position - 1] as Unknown, code);
    }
    const added: { readonly unknown: Unknown; readonly code: number }[] = [];
    for (const [index, unknown] of batch.entries()) {
      const { column } = unknown;
      if (found.has(index) || column.overflowed) continue;
      column.changed = true;
      if (column.nextCode >= limitOf(column)) {
        column.overflowed = true;
        continue;
      }
      const code = column.nextCode++;
      added.push({ unknown, code });
      this.#remember(unknown, code);
    }
    const kept = added.filter(({ unknown }) => !unknown.column.overflowed);
    if (kept.length > 0)
      await this.#db.query(INSERT, [
        kept.map(({ unknown }) => unknown.column.id),
        kept.map(({ unknown }) => unknown.digest),
        kept.map(({ code }) => code),
        kept.map(({ unknown }) => unknown.value),
      ]);
  }

  #remember({ column, value }: Unknown, code: number): void {
    let known = this.#known.get(column.id);
    if (known === undefined) this.#known.set(column.id, (known = new Map()));
    known.set(value, code);
    if (value.length > MAX_REMEMBERED_LENGTH) this.#long.push({ columnId: column.id, value });
    else this.#remembered++;
  }

  #forget(): void {
    this.#known.clear();
    this.#long = [];
    this.#remembered = 0;
  }
}
