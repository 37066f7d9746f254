import { emptyBitmap, setBit } from './bitmap.ts';
import { scaledCode, yearDayOf } from './codes.ts';
import { FLOAT_SCALE, PRESENCE_SLICE, SIGN_SLICE, YEAR_DAY_SLICE } from './layout.ts';

const TWO_32 = 2 ** 32;

/** The slices of one column in one chunk, as far as somebody is in them. */
export class Planes {
  readonly slices = new Map<number, Buffer>();

  set(slice: number, offset: number): void {
    let bitmap = this.slices.get(slice);
    if (bitmap === undefined) this.slices.set(slice, (bitmap = emptyBitmap()));
    setBit(bitmap, offset);
  }

  /** The bits of a magnitude below 2^64, given in two halves of 32 bits. */
  addMagnitude(offset: number, high: number, low: number): void {
    for (let rest = low >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0)
      this.set(31 - Math.clz32(rest & -rest), offset);
    for (let rest = high >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0)
      this.set(63 - Math.clz32(rest & -rest), offset);
  }

  /** A signed integer up to 2^53 either way, with its presence. */
  addInteger(offset: number, code: number): void {
    this.set(PRESENCE_SLICE, offset);
    if (code < 0) this.set(SIGN_SLICE, offset);
    const magnitude = Math.abs(code);
    this.addMagnitude(offset, Math.floor(magnitude / TWO_32), magnitude % TWO_32);
  }

  /** One more than the highest slice of the code. */
  get width(): number {
    return Math.max(-1, ...this.slices.keys()) + 1;
  }

  get hasNegative(): boolean {
    return this.slices.has(SIGN_SLICE);
  }
}

const halves = new DataView(new ArrayBuffer(8));

/** Numbers as a column of this scale holds them. Throws where one does not fit: see `scaleFor`. */
export const numberPlanes = (offsets: readonly number[], values: readonly number[], scale: number): Planes => {
  const planes = new Planes();
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i] as number;
    const value = values[i] as number;
    if (scale === FLOAT_SCALE) {
      halves.setFloat64(0, Math.abs(value));
      planes.set(PRESENCE_SLICE, offset);
      if (value < 0) planes.set(SIGN_SLICE, offset);
      planes.addMagnitude(offset, halves.getUint32(0), halves.getUint32(4));
    } else {
      const code = scaledCode(value, scale);
      if (code === undefined) throw new Error(`a column of scale ${scale} cannot hold ${value}`);
      planes.addInteger(offset, code);
    }
  }
  return planes;
};

/** Dates as a column of this unit holds them, with their days of the year. */
export const datePlanes = (offsets: readonly number[], dates: readonly number[], unitMs: number): Planes => {
  const planes = integerPlanes(offsets, dates, unitMs);
  for (let i = 0; i < offsets.length; i++) {
    let rest = yearDayOf(dates[i] as number);
    for (let slice = YEAR_DAY_SLICE; rest !== 0; slice--, rest >>= 1)
      if (rest & 1) planes.set(slice, offsets[i] as number);
  }
  return planes;
};

/** Integers: the codes of texts and dates. */
export const integerPlanes = (offsets: readonly number[], codes: readonly number[], divisor = 1): Planes => {
  const planes = new Planes();
  for (let i = 0; i < offsets.length; i++) {
    const code = (codes[i] as number) / divisor;
    if (!Number.isSafeInteger(code)) throw new Error(`${codes[i]} is not a multiple of ${divisor}`);
    planes.addInteger(offsets[i] as number, code);
  }
  return planes;
};

/** Counts from 1 up: who did it at all, and how often beyond once, so that "at least once" is one slice however busy a period is. */
export const countPlanes = (offsets: readonly number[], counts: readonly number[]): Planes => {
  const planes = new Planes();
  for (let i = 0; i < offsets.length; i++) {
    planes.set(PRESENCE_SLICE, offsets[i] as number);
    planes.addMagnitude(offsets[i] as number, 0, (counts[i] as number) - 1);
  }
  return planes;
};
