import { emptyBitmap } from './bitmap.ts';
import { scaledCode, yearDayOf } from './codes.ts';
import { FLOAT_SCALE, PRESENCE_SLICE, SIGN_SLICE, YEAR_DAY_SLICE } from './layout.ts';

const TWO_32 = 2 ** 32;
/** The lowest of the day of the year, which has 9 bits downwards. */
const LOWEST_SLICE = YEAR_DAY_SLICE - 8;

/** The slices of one column in one chunk, as far as somebody is in them. */
export class Planes {
  readonly slices: Map<number, Buffer>;

  constructor(slices: Iterable<readonly [slice: number, bits: Buffer]> = []) {
    this.slices = new Map(slices);
  }

  /** One more than the highest slice of the code. */
  get width(): number {
    return Math.max(-1, ...this.slices.keys()) + 1;
  }

  get hasNegative(): boolean {
    return this.slices.has(SIGN_SLICE);
  }
}

/** Codes become bitmaps one after the other: slices by their number in an array, since each 1 bit of each code asks for its own. */
class Builder {
  readonly #bitmaps: (Buffer | undefined)[] = [];

  set(slice: number, byte: number, mask: number): void {
    const bitmap = (this.#bitmaps[slice - LOWEST_SLICE] ??= emptyBitmap());
    bitmap[byte] = (bitmap[byte] as number) | mask;
  }

  /** The 1 bits of 32 of a magnitude, the lowest of which is in the slice `first`. */
  word(word: number, first: number, byte: number, mask: number): void {
    for (let rest = word; rest !== 0; rest &= rest - 1) this.set(first + 31 - Math.clz32(rest & -rest), byte, mask);
  }

  /** A signed integer up to 2^53 either way. */
  integer(code: number, byte: number, mask: number): void {
    let magnitude = code;
    if (code < 0) {
      this.set(SIGN_SLICE, byte, mask);
      magnitude = -code;
    }
    if (magnitude >= TWO_32) this.word(Math.floor(magnitude / TWO_32) | 0, 32, byte, mask);
    this.word(magnitude | 0, 0, byte, mask);
  }

  planes(): Planes {
    return new Planes(
      [...this.#bitmaps.entries()].flatMap(([i, bitmap]) => (bitmap ? [[i + LOWEST_SLICE, bitmap] as const] : [])),
    );
  }
}

const halves = new DataView(new ArrayBuffer(8));

/** Parallel lists, such as `Held`. */
interface Values {
  readonly offsets: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/** `add` is called for each value, with where its bit is in a bitmap. */
const build = (
  { offsets, values }: Values,
  add: (builder: Builder, value: number, byte: number, mask: number) => void,
) => {
  const builder = new Builder();
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i] as number;
    add(builder, values[i] as number, offset >> 3, 0x80 >> (offset & 7));
  }
  return builder.planes();
};

/** Numbers as a column of this scale holds them. Throws where one does not fit: see `scaleFor`. */
export const numberPlanes = (held: Values, scale: number): Planes =>
  build(held, (builder, value, byte, mask) => {
    builder.set(PRESENCE_SLICE, byte, mask);
    if (scale === FLOAT_SCALE) {
      halves.setFloat64(0, Math.abs(value));
      if (value < 0) builder.set(SIGN_SLICE, byte, mask);
      builder.word(halves.getInt32(0), 32, byte, mask);
      builder.word(halves.getInt32(4), 0, byte, mask);
      return;
    }
    const code = scaledCode(value, scale);
    if (code === undefined) throw new Error(`a column of scale ${scale} cannot hold ${value}`);
    builder.integer(code, byte, mask);
  });

const addInteger = (builder: Builder, value: number, divisor: number, byte: number, mask: number): void => {
  const code = value / divisor;
  if (!Number.isSafeInteger(code)) throw new Error(`${value} is not a multiple of ${divisor}`);
  builder.set(PRESENCE_SLICE, byte, mask);
  builder.integer(code, byte, mask);
};

/** Dates as a column of this unit holds them, with their days of the year. */
export const datePlanes = (held: Values, unitMs: number): Planes =>
  build(held, (builder, ms, byte, mask) => {
    addInteger(builder, ms, unitMs, byte, mask);
    let rest = yearDayOf(ms);
    for (let slice = YEAR_DAY_SLICE; rest !== 0; slice--, rest >>= 1) if (rest & 1) builder.set(slice, byte, mask);
  });

/** Integers: the codes of texts. */
export const integerPlanes = (held: Values): Planes =>
  build(held, (builder, code, byte, mask) => addInteger(builder, code, 1, byte, mask));

/** Counts from 1 up: who did it at all, and how often beyond once, so that "at least once" is one slice however busy a period is. */
export const countPlanes = (offsets: readonly number[], counts: readonly number[]): Planes =>
  build({ offsets, values: counts }, (builder, count, byte, mask) => {
    builder.set(PRESENCE_SLICE, byte, mask);
    builder.word((count - 1) | 0, 0, byte, mask);
  });
