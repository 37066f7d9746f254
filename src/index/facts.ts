import { emptyBitmap, setBit, testBit } from './bitmap.ts';
import { scaleFor, unitFor } from './codes.ts';
import type { Column, Columns } from './columns.ts';
import type { Dictionary } from './dictionary.ts';
import { type ColumnType, PRESENCE_SLICE } from './layout.ts';
import { datePlanes, integerPlanes, numberPlanes, Planes } from './planes.ts';
import { sortValue, type ValueSink } from './values.ts';

/** A bitmap of an array's element weighs as much as this many values that are kept one by one. */
const BITMAP_WEIGHT = 250;

/** Parallel lists: what the user at an offset has. */
interface Held<T> {
  readonly offsets: number[];
  readonly values: T[];
}
const held = <T>(): Held<T> => ({ offsets: [], values: [] });

/** What the rows of one chunk say of one property: values first, bitmaps when scale and unit are known. */
export class Facts implements ValueSink {
  readonly propertyId: number;
  readonly path: readonly string[];
  /** Users whose rows count; undefined: every user. */
  readonly touched: Uint8Array | undefined;
  /** How much is kept, in values. */
  weight = 0;
  readonly #set = new Planes();
  readonly #boolean = new Planes();
  readonly #numbers = held<number>();
  readonly #dates = held<number>();
  readonly #texts = held<number>();
  readonly #elements = new Map<number, Buffer>();
  #pendingTexts = held<string>();
  #pendingElements = held<string>();
  /** Types whose values are of no use any more. */
  readonly #overflowed = new Set<ColumnType>();
  #offset = 0;

  constructor(propertyId: number, path: readonly string[], touched: Uint8Array | undefined) {
    this.propertyId = propertyId;
    this.path = path;
    this.touched = touched;
  }

  concerns(offset: number): boolean {
    return this.touched === undefined || testBit(this.touched, offset);
  }

  add(offset: number, value: unknown): void {
    this.#offset = offset;
    sortValue(value, this);
  }

  set(): void {
    this.#set.set(PRESENCE_SLICE, this.#offset);
  }
  boolean(value: boolean): void {
    this.#boolean.set(PRESENCE_SLICE, this.#offset);
    if (value) this.#boolean.set(0, this.#offset);
  }
  number(value: number): void {
    this.#keep(this.#numbers, value);
  }
  date(ms: number): void {
    this.#keep(this.#dates, ms);
  }
  text(value: string): void {
    if (!this.#overflowed.has('text')) this.#keep(this.#pendingTexts, value);
  }
  element(key: string): void {
    if (!this.#overflowed.has('array')) this.#keep(this.#pendingElements, key);
  }

  #keep<T>(list: Held<T>, value: T): void {
    list.offsets.push(this.#offset);
    list.values.push(value);
    this.weight++;
  }

  /** The columns that the values seen so far need. */
  types(): ColumnType[] {
    const needed: Record<ColumnType, boolean> = {
      set: this.#set.slices.size > 0,
      boolean: this.#boolean.slices.size > 0,
      number: this.#numbers.offsets.length > 0,
      date: this.#dates.offsets.length > 0,
      text: this.#pendingTexts.offsets.length > 0 || this.#texts.offsets.length > 0,
      array: this.#pendingElements.offsets.length > 0 || this.#elements.size > 0,
    };
    return (Object.keys(needed) as ColumnType[]).filter((type) => needed[type]);
  }

  /** Adds what has no code yet to the values that are to be resolved. */
  collect(columns: Columns, values: Map<Column, Set<string>>): void {
    const collect = (type: ColumnType, pending: Held<string>): void => {
      if (pending.values.length === 0) return;
      const column = columns.demand(this.propertyId, type);
      const known = values.get(column);
      if (known) for (const value of pending.values) known.add(value);
      else values.set(column, new Set(pending.values));
    };
    collect('text', this.#pendingTexts);
    collect('array', this.#pendingElements);
  }

  /** Replaces the values that were collected by their codes. */
  encode(columns: Columns, dictionary: Dictionary): void {
    const encode = (type: ColumnType, pending: Held<string>, keep: (offset: number, code: number) => void): void => {
      if (pending.values.length === 0) return;
      const column = columns.demand(this.propertyId, type);
      for (const [i, value] of pending.values.entries()) {
        const code = dictionary.code(column, value);
        if (code !== undefined) keep(pending.offsets[i] as number, code);
        else if (column.overflowed) this.#overflowed.add(type);
        else throw new Error(`a value of column ${column.id} has no code`);
      }
    };
    encode('text', this.#pendingTexts, (offset, code) => {
      this.#texts.offsets.push(offset);
      this.#texts.values.push(code);
    });
    encode('array', this.#pendingElements, (offset, code) => {
      let bitmap = this.#elements.get(code);
      if (bitmap === undefined) {
        this.#elements.set(code, (bitmap = emptyBitmap()));
        this.weight += BITMAP_WEIGHT;
      }
      setBit(bitmap, offset);
    });
    this.weight -= this.#pendingElements.values.length;
    this.#pendingTexts = held();
    this.#pendingElements = held();
  }

  /** The scale that holds all numbers seen, from `scale` up. What a later number needs may be too fine for an earlier one. */
  scale(scale: number): number {
    const finer = this.#numbers.values.reduce((finest, value) => scaleFor(value, finest), scale);
    return finer === scale ? scale : this.scale(finer);
  }

  /** The unit that holds all dates seen, from `unitMs` down. */
  unitMs(unitMs: number): number {
    return this.#dates.values.reduce((finest, ms) => unitFor(ms, finest), unitMs);
  }

  /** The slices of a column of this property, in the column's scale and unit. */
  planes(column: Column): Planes {
    switch (column.type) {
      case 'set':
        return this.#set;
      case 'boolean':
        return this.#boolean;
      case 'number':
        return numberPlanes(this.#numbers.offsets, this.#numbers.values, column.scale);
      case 'date':
        return datePlanes(this.#dates.offsets, this.#dates.values, column.unitMs);
      case 'text':
        return integerPlanes(this.#texts.offsets, this.#texts.values);
      case 'array': {
        const planes = new Planes();
        for (const [code, bitmap] of this.#elements) planes.slices.set(code, bitmap);
        return planes;
      }
    }
  }
}
