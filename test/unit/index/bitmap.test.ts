import fc from 'fast-check';
import {
  bitmapsParameter,
  emptyBitmap,
  fullBitmap,
  isEmptyBitmap,
  offsetsOf,
  parseSentBits,
  setBit,
  testBit,
} from '../../../src/index/bitmap.ts';
import { CHUNK_BITS, CHUNK_BYTES, SIGN_SLICE } from '../../../src/index/layout.ts';
import { Held } from '../../../src/index/held.ts';
import { countPlanes, datePlanes, integerPlanes, numberPlanes } from '../../../src/index/planes.ts';

const offsets = fc.uniqueArray(fc.integer({ min: 0, max: CHUNK_BITS - 1 }), { maxLength: 50 });

test('bits that were set are found, in order, and no others', () => {
  fc.assert(
    fc.property(offsets, (set) => {
      const bitmap = emptyBitmap();
      for (const offset of set) setBit(bitmap, offset);
      expect([...offsetsOf(bitmap)]).toEqual([...set].sort((a, b) => a - b));
      expect(set.every((offset) => testBit(bitmap, offset))).toBe(true);
      expect(isEmptyBitmap(bitmap)).toBe(set.length === 0);
    }),
  );
  expect([...offsetsOf(fullBitmap())]).toHaveLength(CHUNK_BITS);
});

test('the parameter is an array of bit strings in the binary format', () => {
  const parameter = bitmapsParameter([fullBitmap(), emptyBitmap()]);
  expect(parameter).toHaveLength(20 + 2 * (8 + CHUNK_BYTES));
  expect([0, 4, 8, 12, 16, 20, 24].map((at) => parameter.readInt32BE(at))).toEqual([
    1,
    0,
    1562,
    2,
    1,
    CHUNK_BYTES + 4,
    CHUNK_BITS,
  ]);
  expect(bitmapsParameter([])).toHaveLength(12);
  expect(parseSentBits(parameter.subarray(24, 28 + CHUNK_BYTES)).equals(fullBitmap())).toBe(true);
  expect(() => parseSentBits(Buffer.alloc(10))).toThrow('10 bytes');
});

test('each bit of a magnitude goes to its slice', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: CHUNK_BITS - 1 }), (code, offset) => {
      const { slices, width, hasNegative } = integerPlanes(Held.of([offset], [code]));
      let magnitude = 0n;
      for (const [slice, bits] of slices) {
        expect([...offsetsOf(bits)]).toEqual([offset]);
        if (slice >= 0) magnitude += 1n << BigInt(slice);
      }
      expect(magnitude).toBe(BigInt(Math.abs(code)));
      expect(hasNegative).toBe(code < 0);
      expect(width).toBe(code === 0 ? 0 : BigInt(Math.abs(code)).toString(2).length);
    }),
  );
});

test('float64 bits, counts, and what must not happen', () => {
  expect(new Set(numberPlanes(Held.of([3], [-5e-324]), -1).slices.keys())).toEqual(new Set([-1, SIGN_SLICE, 0]));
  expect(numberPlanes(Held.of([3], [Number.MAX_VALUE]), -1).width).toBe(63);
  expect([...numberPlanes(Held.of([3], [-0]), -1).slices.keys()]).toEqual([-1]);
  const counts = countPlanes([1, 2], [1, 6]);
  expect([...counts.slices].map(([slice, bits]) => [slice, [...offsetsOf(bits)]])).toEqual([
    [-1, [1, 2]],
    [0, [2]],
    [2, [2]],
  ]);
  expect(() => numberPlanes(Held.of([0], [0.5]), 0)).toThrow('cannot hold 0.5');
  expect(() => datePlanes(Held.of([0], [90_000]), 60_000)).toThrow('not a multiple');
});
