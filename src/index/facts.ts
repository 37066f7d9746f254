import { emptyBitmap, setBit, testBit } from './bitmap.ts';
import { scaleFor, textHash, unitFor } from './codes.ts';
import { type Column, type Columns, isHashed } from './columns.ts';
import type { Dictionary } from './dictionary.ts';
import { Held, HeldTexts } from './held.ts';
import { type ColumnType, PRESENCE_SLICE, ROW_TEXT_SLICE } from './layout.ts';
import { datePlanes, integerPlanes, numberPlanes, Planes } from './planes.ts';
import { isHeldText, type TextsAt } from './texts.ts';
import { sortValue, type ValueSink } from './values.ts';

/** A bitmap of an array's element weighs as much as this many values that are kept one by one. */
const BITMAP_WEIGHT = 250;

/** What a text that is kept weighs by itself, and how many of its units weigh as much as a value. */
const TEXT_WEIGHT = 2;
const UNITS_A_WEIGHT = 24;

const planesOf = (...slices: (readonly [slice: number, bits: Buffer | undefined])[]): Planes =>
  new Planes(slices.flatMap(([slice, bits]) => (bits ? [[slice, bits] as const] : [])));

/** What the rows of one chunk say of one property: values first, bitmaps when scale and unit are known. */
export class Facts implements ValueSink {
  readonly propertyId: number;
  readonly path: readonly string[];
  /** Users whose rows count; undefined: every user. */
  readonly touched: Uint8Array | undefined;
  /** How much is kept, in values. */
  weight = 0;
  /** Texts were given codes of two kinds, as their column changed in between: the property must be folded anew. */
  mixed = false;
  #set: Buffer | undefined;
  #boolean: Buffer | undefined;
  #true: Buffer | undefined;
  readonly #numbers = new Held();
  readonly #dates = new Held();
  readonly #texts = new Held();
  /** Beside the hashes in `#texts`: the texts, and whose stand in their rows alone. */
  readonly #held: string[] = [];
  #unheld: Buffer | undefined;
  readonly #elements = new Map<number, Buffer>();
  #pendingTexts = new HeldTexts();
  #pendingElements = new HeldTexts();
  #hashed: boolean | undefined;
  #offset = 0;

  /** `text`: the property's column of texts, if it has one: those of a hashed one need no dictionary. */
  constructor(propertyId: number, path: readonly string[], touched: Uint8Array | undefined, text?: Column) {
    this.propertyId = propertyId;
    this.path = path;
    this.touched = touched;
    if (text !== undefined && isHashed(text)) this.#hashed = true;
  }

  concerns(offset: number): boolean {
    return this.touched === undefined || testBit(this.touched, offset);
  }

  add(offset: number, value: unknown): void {
    this.#offset = offset;
    sortValue(value, this);
  }

  set(): void {
    setBit((this.#set ??= emptyBitmap()), this.#offset);
  }
  boolean(value: boolean): void {
    setBit((this.#boolean ??= emptyBitmap()), this.#offset);
    if (value) setBit((this.#true ??= emptyBitmap()), this.#offset);
  }
  number(value: number): void {
    this.#numbers.push(this.#offset, value);
    this.weight++;
  }
  date(ms: number): void {
    this.#dates.push(this.#offset, ms);
    this.weight++;
  }
  text(value: string): void {
    if (this.#hashed) this.#hash(this.#offset, value, textHash(value));
    else this.#pendingTexts.push(this.#offset, value);
    this.weight++;
  }
  element(key: string): void {
    this.#pendingElements.push(this.#offset, key);
  }

  /** The columns that the values seen so far need. */
  types(): ColumnType[] {
    const needed: Record<ColumnType, boolean> = {
      set: this.#set !== undefined,
      boolean: this.#boolean !== undefined,
      number: this.#numbers.length > 0,
      date: this.#dates.length > 0,
      text: this.#pendingTexts.length > 0 || this.#texts.length > 0,
      array: this.#pendingElements.length > 0 || this.#elements.size > 0,
    };
    return (Object.keys(needed) as ColumnType[]).filter((type) => needed[type]);
  }

  /** Adds what has no code yet to the values that are to be resolved. */
  collect(columns: Columns, values: Map<Column, HeldTexts>): void {
    if (this.#pendingTexts.length > 0) values.set(columns.demand(this.propertyId, 'text'), this.#pendingTexts);
    if (this.#pendingElements.length > 0) values.set(columns.demand(this.propertyId, 'array'), this.#pendingElements);
  }

  /** Replaces the values that were collected by their codes. */
  encode(columns: Columns, dictionary: Dictionary): void {
    if (this.#pendingTexts.length > 0) this.#encodeTexts(columns.demand(this.propertyId, 'text'), dictionary);
    if (this.#pendingElements.length > 0) this.#encodeElements(columns.demand(this.propertyId, 'array'), dictionary);
    this.#pendingTexts = new HeldTexts();
    this.#pendingElements = new HeldTexts();
  }

  #encodeTexts(column: Column, dictionary: Dictionary): void {
    const codes = dictionary.codes(column, this.#pendingTexts.distinct.keys());
    const { offsets, values } = this.#pendingTexts.held;
    if (codes === undefined) {
      this.weight -= values.length;
      return;
    }
    const hashed = isHashed(column);
    this.mixed ||= this.#hashed !== undefined && this.#hashed !== hashed;
    this.#hashed = hashed;
    const different = hashed ? [...this.#pendingTexts.distinct.keys()] : [];
    for (let i = 0; i < offsets.length; i++) {
      const [offset, position] = [offsets[i] as number, values[i] as number];
      const code = codes[position] as number;
      if (hashed) this.#hash(offset, different[position] as string, code);
      else this.#texts.push(offset, code);
    }
  }

  #hash(offset: number, text: string, hash: number): void {
    this.#texts.push(offset, hash);
    const isHeld = isHeldText(text);
    this.#held.push(isHeld ? text : '');
    if (!isHeld) setBit((this.#unheld ??= emptyBitmap()), offset);
    this.weight += TEXT_WEIGHT + (isHeld ? text.length / UNITS_A_WEIGHT : 0);
  }

  #encodeElements(column: Column, dictionary: Dictionary): void {
    const codes = dictionary.codes(column, this.#pendingElements.distinct.keys());
    if (codes === undefined) return;
    const { offsets, values } = this.#pendingElements.held;
    for (let i = 0; i < offsets.length; i++) {
      const code = codes[values[i] as number] as number;
      let bitmap = this.#elements.get(code);
      if (bitmap === undefined) {
        this.#elements.set(code, (bitmap = emptyBitmap()));
        this.weight += BITMAP_WEIGHT;
      }
      setBit(bitmap, offsets[i] as number);
    }
  }

  /** The scale that holds all numbers seen, from `scale` up. What a later number needs may be too fine for an earlier one. */
  scale(scale: number): number {
    let finer = scale;
    for (const value of this.#numbers.values) finer = scaleFor(value, finer);
    return finer === scale ? scale : this.scale(finer);
  }

  /** The unit that holds all dates seen, from `unitMs` down. */
  unitMs(unitMs: number): number {
    let finest = unitMs;
    for (const ms of this.#dates.values) finest = unitFor(ms, finest);
    return finest;
  }

  /** The texts of a hashed column. */
  get heldTexts(): TextsAt {
    return { offsets: this.#texts.offsets, texts: this.#held };
  }

  /** The slices of a column of this property, in the column's scale and unit. */
  planes(column: Column): Planes {
    switch (column.type) {
      case 'set':
        return planesOf([PRESENCE_SLICE, this.#set]);
      case 'boolean':
        return planesOf([PRESENCE_SLICE, this.#boolean], [0, this.#true]);
      case 'number':
        return numberPlanes(this.#numbers, column.scale);
      case 'date':
        return datePlanes(this.#dates, column.unitMs);
      case 'text': {
        const planes = integerPlanes(this.#texts);
        if (this.#unheld) planes.slices.set(ROW_TEXT_SLICE, this.#unheld);
        return planes;
      }
      case 'array':
        return new Planes(this.#elements);
    }
  }
}
