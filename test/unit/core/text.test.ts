import { didYouMean, suggest } from '../../../src/core/suggest.ts';
import { describe as describeValue, keyPath, pathOf, quote, unstorable } from '../../../src/core/text.ts';

describe('text', () => {
  test('quote clips and escapes, so that an error is always one short line of well-formed text', () => {
    expect(quote('plan')).toBe('"plan"');
    expect(quote('a\n"b"\0')).toBe('"a\\n\\"b\\"\\u0000"');
    expect(quote('\ud83d').isWellFormed()).toBe(true);
    // a pair that the cut halves
    expect(quote(`${'x'.repeat(63)}😀y`).isWellFormed()).toBe(true);
    expect(quote('x'.repeat(1000)).length).toBeLessThan(80);
  });

  test('unstorable names what PostgreSQL or UTF-8 cannot hold', () => {
    expect(unstorable('plain 😀 é')).toBeUndefined();
    expect(unstorable('a\0')).toMatch(/NUL/);
    expect(unstorable('\ude00')).toMatch(/surrogate/);
  });

  test.each([
    ['x', 'the string "x"'],
    [5, 'the number 5'],
    [Number.POSITIVE_INFINITY, 'a number beyond the largest float64'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'nothing'],
    [[1, 2], 'a list of 2'],
    [{ a: 1 }, 'an object'],
  ])('describe %j', (value, expected) => {
    expect(describeValue(value)).toBe(expected);
  });

  test('paths are written as a reader writes them', () => {
    expect(pathOf('condition', ['of', 2, 'operator'])).toBe('condition.of[2].operator');
    expect(pathOf('', ['batch', 0, 'a b'])).toBe('batch[0]["a b"]');
    expect(keyPath('', 'a')).toBe('a');
    expect(keyPath('x', '')).toBe('x[""]');
  });
});

describe('did you mean', () => {
  test('near names are suggested, far ones are not', () => {
    const known = ['is_set', 'is_not_set', 'equals', 'not_equals', 'in'];
    expect(suggest('equal', known)).toBe('equals');
    expect(suggest('Is_Set', known)).toBe('is_set');
    expect(suggest('isnot_set', known)).toBe('is_not_set');
    expect(suggest('banana', known)).toBeUndefined();
    expect(suggest('', known)).toBeUndefined();
    expect(suggest('equals'.repeat(100_000), known)).toBeUndefined();
    expect(didYouMean('equal', known)).toEqual({ hint: 'did you mean "equals"?' });
    expect(didYouMean('banana', known)).toEqual({});
  });
});
