import { CHUNK_BITS, CHUNK_BYTES } from './layout.ts';

/**
 * Bitmaps of one chunk as Buffers of CHUNK_BYTES. Bit `offset` is the one that PostgreSQL's `get_bit(bits, offset)` gives: the
 * most significant bit of a byte comes first.
 */

export const emptyBitmap = (): Buffer => Buffer.alloc(CHUNK_BYTES);
export const fullBitmap = (): Buffer => Buffer.alloc(CHUNK_BYTES, 0xff);

export const setBit = (bitmap: Uint8Array, offset: number): void => {
  const byte = offset >> 3;
  bitmap[byte] = (bitmap[byte] as number) | (0x80 >> (offset & 7));
};

export const testBit = (bitmap: Uint8Array, offset: number): boolean =>
  ((bitmap[offset >> 3] as number) & (0x80 >> (offset & 7))) !== 0;

const ZERO = emptyBitmap();
export const isEmptyBitmap = (bitmap: Uint8Array): boolean => ZERO.equals(bitmap);

/** The offsets of the bits that are set, ascending. */
export function* offsetsOf(bitmap: Uint8Array): Generator<number> {
  for (let byte = 0; byte < bitmap.length; byte++) {
    const value = bitmap[byte] as number;
    if (value === 0) continue;
    for (let bit = 0; bit < 8; bit++) if (value & (0x80 >> bit)) yield byte * 8 + bit;
  }
}

/** `bits` selected as `bit_send(bits)`: four bytes of length, then the bits. */
export const parseSentBits = (sent: Buffer): Buffer => {
  if (sent.length !== CHUNK_BYTES + 4 || sent.readInt32BE(0) !== CHUNK_BITS)
    throw new Error(`a bitmap of ${sent.length} bytes is not one of ${CHUNK_BITS} bits`);
  return sent.subarray(4);
};

const VARBIT_OID = 1562;
const ARRAY_HEADER_BYTES = 20;
const ELEMENT_BYTES = 8 + CHUNK_BYTES;

/**
 * Bitmaps as a parameter `$n::varbit[]`. node-postgres sends a Buffer in binary format, and this is PostgreSQL's format for an
 * array; docs/decisions/0003 has what that saves.
 */
export const bitmapsParameter = (bitmaps: readonly Uint8Array[]): Buffer => {
  const parameter = Buffer.allocUnsafe(bitmaps.length === 0 ? 12 : ARRAY_HEADER_BYTES + bitmaps.length * ELEMENT_BYTES);
  parameter.writeInt32BE(bitmaps.length === 0 ? 0 : 1, 0); // dimensions
  parameter.writeInt32BE(0, 4); // no nulls
  parameter.writeInt32BE(VARBIT_OID, 8);
  if (bitmaps.length === 0) return parameter;
  parameter.writeInt32BE(bitmaps.length, 12);
  parameter.writeInt32BE(1, 16); // the first subscript
  let at = ARRAY_HEADER_BYTES;
  for (const bitmap of bitmaps) {
    parameter.writeInt32BE(4 + CHUNK_BYTES, at);
    parameter.writeInt32BE(CHUNK_BITS, at + 4);
    parameter.set(bitmap, at + 8);
    at += ELEMENT_BYTES;
  }
  return parameter;
};
