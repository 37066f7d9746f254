import { asBoolean, Detection, exactNumber, isBlank, REQUIRED } from '../../../src/ingest/imports/cells.ts';

test('numbers that survive, and text that only looks like one', () => {
  for (const [cell, value] of Object.entries({
    '0': 0,
    '12': 12,
    '-3': -3,
    '29.85': 29.85,
    '12.00': 12,
    '1e3': 1000,
    '-0.5': -0.5,
    '0.0': 0,
    '9007199254740991': 2 ** 53 - 1,
    '1e308': 1e308,
    '123456789012345': 123456789012345,
    '0.000000000000000001': 1e-18,
  }))
    expect([cell, exactNumber(cell)]).toEqual([cell, value]);
  for (const cell of [
    '007',
    '+1',
    '1.',
    '.5',
    '1,5',
    '0x10',
    'NaN',
    'Infinity',
    '1e999',
    '9007199254740993',
    '12345678901234567890',
    '0.12345678901234567',
    '1 ',
    ' 1',
    '--1',
    '1e',
    '1e-999',
    '',
  ])
    expect([cell, exactNumber(cell)]).toEqual([cell, undefined]);
});

test('booleans in any case, and blanks', () => {
  expect(['true', 'TRUE', 'True', 'false', 'FALSE', 'yes', '1', ''].map(asBoolean)).toEqual([
    true,
    true,
    true,
    false,
    false,
    undefined,
    undefined,
    undefined,
  ]);
  expect(['', ' ', '\t ', 'x', ' x', '\u00a0'].map(isBlank)).toEqual([true, true, true, false, false, false]);
});

test('the type of a column is what all its cells are', () => {
  const typeOf = (...cells: string[]) => {
    const detection = new Detection();
    for (const cell of cells) detection.see(cell);
    return detection.type;
  };
  expect(typeOf('1', '', ' ', '2.5')).toBe('number');
  expect(typeOf('1', '02')).toBe('string');
  expect(typeOf('true', 'FALSE', '')).toBe('boolean');
  expect(typeOf('true', '1')).toBe('string');
  expect(typeOf('', ' ')).toBe('string');
  expect(typeOf('2026-01-31')).toBe('string');
});

test('types that were asked for', () => {
  expect(REQUIRED.string('007')).toBe('007');
  expect(REQUIRED.number(' +007.50 ')).toBe(7.5);
  expect(() => REQUIRED.number('7 €')).toThrow('is not a number');
  expect(() => REQUIRED.number('1e999')).toThrow('is not a number');
  expect(['YES', 'f', '1', '0'].map(REQUIRED.boolean)).toEqual([true, false, true, false]);
  expect(() => REQUIRED.boolean('maybe')).toThrow();
  expect(REQUIRED.date('2026-01-31')).toBe('2026-01-31');
  expect(() => REQUIRED.date('2026-02-30')).toThrow('is not an ISO 8601 date');
  expect(REQUIRED.array('a; b;;c ')).toEqual(['a', 'b', 'c']);
  expect(REQUIRED.array('[1,"x",true]')).toEqual([1, 'x', true]);
  expect(() => REQUIRED.array('[1')).toThrow('is not a JSON list');
});
