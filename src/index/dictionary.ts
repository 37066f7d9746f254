import { integers, texts, uuids } from '../database/arrays.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { type Column, isHashed } from './columns.ts';
import { digestOf } from './digest.ts';
import { textHash } from './codes.ts';
import type { HeldTexts } from './held.ts';
import { HASHED_SCALE } from './layout.ts';

/** Different texts of one property that get codes; with more they are hashed. 21 slices. */
export const MAX_TEXT_CODES = 2_000_000;
/** Different elements of one property's arrays: each is a bitmap of its own. */
export const MAX_ARRAY_CODES = 2_000;
/**
 * A property that nearly everybody has another text of (an email, a moment) is hashed as soon as its dictionary would have more texts
 * than these, and so many of a page's values were new to it. Decision 0019.
 */
export const MIN_HASHED_CODES = 10_000;
const HASHED_SHARE = 0.9;
/** A page of fewer values says nothing of how many different ones a property has. */
const MIN_JUDGED_VALUES = 1_000;

/** Values a statement. */
const BATCH = 8_000;
/** What a fold remembers of the dictionary, to ask once for what comes again: values, and the longest one of them. */
const MAX_REMEMBERED = 100_000;
const MAX_REMEMBERED_LENGTH = 100;

const LOOKUP = { name: 'index-lookup-codes', text: sql('index-lookup-codes') };
const INSERT = { name: 'index-insert-codes', text: sql('index-insert-codes') };

const limitOf = (column: Column): number => (column.type === 'array' ? MAX_ARRAY_CODES : MAX_TEXT_CODES);

/** Values to codes, for one transaction: what it remembers may be rolled back with it. */
export class Dictionary {
  readonly #db: Queryable;
  readonly #known = new Map<number, Map<string, number>>();
  #remembered = 0;
  #long: { readonly columnId: number; readonly value: string }[] = [];

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** The codes of values that `resolve` was given just before, in their order; undefined where their column has none. */
  codes(column: Column, values: Iterable<string>): number[] | undefined {
    if (isHashed(column)) return Array.from(values, textHash);
    if (column.overflowed) return undefined;
    const known = this.#known.get(column.id);
    return Array.from(values, (value) => {
      const code = known?.get(value);
      if (code === undefined) throw new Error(`a value of column ${column.id} has no code`);
      return code;
    });
  }

  /** Gives codes to all values, new ones where they have none; a column that would have too many overflows. */
  async resolve(values: ReadonlyMap<Column, HeldTexts>): Promise<void> {
    if (this.#remembered > MAX_REMEMBERED) this.#forget();
    for (const [column, texts] of values) if (!column.overflowed) await this.#resolveColumn(column, texts);
  }

  /** Drops what is too long to keep; to be called when a page is done. */
  endPage(): void {
    for (const { columnId, value } of this.#long) this.#known.get(columnId)?.delete(value);
    this.#long = [];
  }

  async #resolveColumn(column: Column, { distinct, length }: HeldTexts): Promise<void> {
    const known = this.#known.get(column.id);
    const unknown: string[] = [];
    for (const value of distinct.keys()) if (!known?.has(value)) unknown.push(value);
    const fresh = column.nextCode === 0 ? unknown : await this.#lookUp(column, unknown);
    if (fresh.length === 0) return;
    const codes = column.nextCode + fresh.length;
    const isNearlyUnique =
      column.type === 'text' &&
      codes > MIN_HASHED_CODES &&
      length >= MIN_JUDGED_VALUES &&
      fresh.length >= length * HASHED_SHARE;
    column.changed = true;
    if (codes > limitOf(column) || isNearlyUnique) this.#overflow(column);
    else await this.#insert(column, fresh);
  }

  #overflow(column: Column): void {
    column.overflowed = true;
    column.outdated = true;
    if (column.type === 'text') column.scale = HASHED_SCALE;
    this.#known.delete(column.id);
  }

  /** Gives those that the dictionary does not have. */
  async #lookUp(column: Column, unknown: readonly string[]): Promise<string[]> {
    const fresh: string[] = [];
    for (let at = 0; at < unknown.length; at += BATCH) {
      const batch = unknown.slice(at, at + BATCH);
      const { rows } = await this.#db.query<{ position: number; code: number }>({
        ...LOOKUP,
        values: [column.id, uuids(batch.map(digestOf))],
      });
      const found = new Set<number>();
      for (const { position, code } of rows) {
        found.add(position - 1);
        this.#remember(column, batch[position - 1] as string, code);
      }
      for (const [i, value] of batch.entries()) if (!found.has(i)) fresh.push(value);
    }
    return fresh;
  }

  async #insert(column: Column, fresh: readonly string[]): Promise<void> {
    for (let at = 0; at < fresh.length; at += BATCH) {
      const batch = fresh.slice(at, at + BATCH);
      const codes = batch.map(() => column.nextCode++);
      await this.#db.query({
        ...INSERT,
        values: [column.id, uuids(batch.map(digestOf)), integers(codes), texts(batch)],
      });
      for (const [i, value] of batch.entries()) this.#remember(column, value, codes[i] as number);
    }
  }

  #remember(column: Column, value: string, code: number): void {
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
