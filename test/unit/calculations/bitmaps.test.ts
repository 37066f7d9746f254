import fc from 'fast-check';
import { offsetsIn } from '../../../src/calculations/bitmaps.ts';
import { emptyBitmap, setBit } from '../../../src/index/bitmap.ts';
import { CHUNK_BITS } from '../../../src/index/layout.ts';

const bitmapOf = (offsets: readonly number[]): Buffer => {
  const bitmap = emptyBitmap();
  for (const offset of offsets) setBit(bitmap, offset);
  return bitmap;
};

const offsets = fc.uniqueArray(fc.oneof(fc.integer({ min: 0, max: CHUNK_BITS - 1 }), fc.integer({ min: 0, max: 40 })), {
  maxLength: 60,
});

test('offsets are those in the one bitmap and not in the other, in order, from a place on, up to a limit', () => {
  fc.assert(
    fc.property(
      offsets,
      offsets,
      fc.integer({ min: 0, max: CHUNK_BITS - 1 }),
      fc.integer({ min: 1, max: 50 }),
      (a, b, from, limit) => {
        const expected = a
          .filter((offset) => !b.includes(offset) && offset >= from)
          .sort((one, other) => one - other)
          .slice(0, limit);
        expect(offsetsIn(bitmapOf(a), bitmapOf(b), from, limit)).toEqual(expected);
      },
    ),
  );
});

test('the first and the last bit of a chunk count', () => {
  expect(offsetsIn(bitmapOf([0, CHUNK_BITS - 1]), undefined, 0, Number.POSITIVE_INFINITY)).toEqual([0, CHUNK_BITS - 1]);
});
