import fc from 'fast-check';
import { EvenkeelError } from '../../../src/core/errors.ts';
import { parseJson } from '../../../src/core/json.ts';
import { throwJsonFault } from '../../../src/core/json-fault.ts';

const faultOf = (read: () => unknown): EvenkeelError | undefined => {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof EvenkeelError) return error;
    throw error;
  }
};

describe('parseJson', () => {
  test.each([
    ['a key twice', '{"batch":[{},{"traits":{"x":1,"y":2,"x":3}}]}', 'batch[1].traits.x', /"x" stands twice/],
    ['a key twice, once escaped', '{"a":{"b":1,"\\u0062":2}}', 'a.b', /"b" stands twice/],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}', '__proto__', /stands twice/],
    ['an empty key twice', '{"":1,"":2}', '[""]', /"" stands twice/],
    ['NUL in a value', '{"batch":[{"a":"x\\u0000"}]}', 'batch[0].a', /NUL/],
    ['NUL in a key', '{"a":{"\\u0000":1}}', 'a', /the key at line 1, column 7 must not hold a NUL/],
    ['half a pair, escaped', '["ok","\\ud83d"]', '[1]', /half a surrogate/],
    ['half a pair, raw', '{"a":"\ud83d"}', 'a', /half a surrogate/],
    ['half a pair before a whole one', '["\\ude00\\ud83d\\ude00"]', '[0]', /half a surrogate/],
    ['a number beyond float64', '{"a":[1,-1e400]}', 'a[1]', /-1e400 is beyond/],
    ['a key that is no plain name', '{"a b":{"c":1e999}}', '["a b"].c', /beyond/],
  ])('%s', (_name, text, path, message) => {
    const fault = faultOf(() => parseJson(text));
    expect(fault).toMatchObject({ status: 400, code: 'malformed', path });
    expect(fault?.message).toMatch(message);
  });

  test.each([
    ['', 1, 1],
    ['{"a":1,}', 1, 8],
    ['[1,]', 1, 4],
    ['{"a":1,\n "b":2,,}', 2, 8],
    ['[1,\r\n2,\r\n x]', 3, 2],
    ['{"a" 1}', 1, 6],
    ['{a:1}', 1, 2],
    ["{'a':1}", 1, 2],
    ['"\t"', 1, 2],
    ['"\\x41"', 1, 3],
    ['"\\u12"', 1, 3],
    ['"abc', 1, 5],
    ['01', 1, 2],
    ['1.', 1, 2],
    ['NaN', 1, 1],
    ['{} {}', 1, 4],
    ['[', 1, 2],
    ['{', 1, 2],
  ])('a syntax error names line and column: %j', (text, line, column) => {
    expect(faultOf(() => parseJson(text))).toMatchObject({
      status: 400,
      message: expect.stringContaining(`not valid JSON at line ${line}, column ${column}:`),
    });
  });

  test('depth is counted in objects and lists', () => {
    const nested = (depth: number) => '[{"a":'.repeat(depth / 2) + 1 + '}]'.repeat(depth / 2);
    expect(faultOf(() => parseJson(nested(64)))).toBeUndefined();
    expect(faultOf(() => parseJson(nested(66)))?.message).toMatch(/more than 64 levels/);
    expect(faultOf(() => parseJson('[[1]]', { maxDepth: 1 }))).toMatchObject({ path: '[0]' });
    expect(faultOf(() => parseJson('[]', { maxDepth: 1 }))).toBeUndefined();
  });

  test('however deep, it is a fault and no crash', () => {
    for (const text of ['['.repeat(200_000), '['.repeat(200_000) + ']'.repeat(200_000), '{"a":'.repeat(100_000)])
      expect(faultOf(() => parseJson(text))?.message).toMatch(/more than 64 levels/);
  });

  test('__proto__ and constructor are keys like any other', () => {
    const value = parseJson('{"__proto__":{"admin":true},"constructor":1}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(value['admin']).toBeUndefined();
    expect(JSON.stringify(value)).toBe('{"__proto__":{"admin":true},"constructor":1}');
  });

  test('whole pairs, quotes and backslashes are fine', () => {
    const text = '{"a\\"b":"\\\\","c\\\\":"\\ud83d\\ude00 😀 \\u00e9 \\" : \\\\\\"","d":[" \\":1, "]}';
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  test('colons and quotes in strings are not taken for keys', () => {
    for (const text of ['{"a":"\\":"}', '["a:",":"]', '{"a" : "b" }', '{"a\\\\":1}', '{"\\":":":"}'])
      expect(parseJson(text)).toEqual(JSON.parse(text));
  });
});

/** A JSON value as it may be written, with keys that repeat and strings that nobody can store. */
type Written =
  | { kind: 'text'; text: string }
  | { kind: 'word'; text: string }
  | { kind: 'list'; of: Written[] }
  | { kind: 'object'; of: [string, Written][] };

const someText = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'grapheme', maxLength: 4 }) },
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', '"', '\\', ':', ',', '{', '\\u0000', '__proto__', '😀', '\n') },
  { weight: 1, arbitrary: fc.constantFrom('\0', '\ud83d', '\ude00\ud83d') },
);
const someWord = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.constantFrom('0', '-0', '1.5e3', 'true', 'false', 'null', '1e308', '12345678901234567890'),
  },
  { weight: 1, arbitrary: fc.constantFrom('1e309', '-2e999') },
);
const { written } = fc.letrec<{ written: Written }>((tie) => ({
  written: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    someText.map((text): Written => ({ kind: 'text', text })),
    someWord.map((text): Written => ({ kind: 'word', text })),
    fc.array(tie('written'), { maxLength: 4 }).map((of): Written => ({ kind: 'list', of })),
    fc.array(fc.tuple(someText, tie('written')), { maxLength: 4 }).map((of): Written => ({ kind: 'object', of })),
  ),
}));

const write = (value: Written, gap: string, escape: boolean): string => {
  const quoted = (text: string) =>
    escape
      ? `"${[...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
      : JSON.stringify(text);
  switch (value.kind) {
    case 'text':
      return quoted(value.text);
    case 'word':
      return value.text;
    case 'list':
      return `[${gap}${value.of.map((one) => write(one, gap, escape)).join(`${gap},${gap}`)}${gap}]`;
    case 'object':
      return `{${value.of.map(([key, one]) => `${gap}${quoted(key)}${gap}:${gap}${write(one, gap, escape)}`).join(',')}${gap}}`;
  }
};

const isRefused = (value: Written): boolean => {
  const bad = (text: string) => text.includes('\0') || !text.isWellFormed();
  switch (value.kind) {
    case 'text':
      return bad(value.text);
    case 'word':
      return !Number.isFinite(Number(value.text)) && /\d/.test(value.text);
    case 'list':
      return value.of.some(isRefused);
    case 'object':
      return (
        new Set(value.of.map(([key]) => key)).size < value.of.length ||
        value.of.some(([key, one]) => bad(key) || isRefused(one))
      );
  }
};

describe('parseJson on any text', () => {
  test('refuses exactly what it should, and else gives what JSON.parse gives', () => {
    fc.assert(
      fc.property(written, fc.constantFrom('', ' ', '\r\n\t'), fc.boolean(), (value, gap, escape) => {
        const text = gap + write(value, gap, escape) + gap;
        const fault = faultOf(() => expect(parseJson(text)).toEqual(JSON.parse(text)));
        expect(fault !== undefined).toBe(isRefused(value));
        expect(fault?.status ?? 400).toBe(400);
        expect(fault?.message ?? '').not.toMatch(/^not valid JSON/);
      }),
      { numRuns: 2_000 },
    );
  });

  test('the slow reader and JSON.parse agree about what is JSON', () => {
    const isSyntaxFault = (text: string): boolean => {
      try {
        JSON.parse(text);
        return false;
      } catch {
        return true;
      }
    };
    fc.assert(
      fc.property(
        written.filter((value) => !isRefused(value)),
        fc.nat(),
        fc.constantFrom(
          '',
          '"',
          '\\',
          ',',
          ':',
          '{',
          ']',
          '0',
          '-',
          '.',
          'e',
          ' ',
          '\n',
          '\u0001',
          'x',
          '\u00a0',
          '\ufeff',
        ),
        fc.nat({ max: 2 }),
        (value, place, put, cut) => {
          const whole = write(value, '', false);
          const at = place % (whole.length + 1);
          const text = whole.slice(0, at) + put + whole.slice(at + cut);
          const slow = faultOf(() => throwJsonFault(text, 64));
          const saysSyntax = /^not valid JSON at line \d+, column \d+: /.test(slow?.message ?? '');
          const isSyntax = isSyntaxFault(text);
          // a text may hold another fault before the one in its syntax
          expect({ missed: isSyntax && slow === undefined, invented: saysSyntax && !isSyntax }).toEqual({
            missed: false,
            invented: false,
          });
          expect(faultOf(() => parseJson(text))).toEqual(slow);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
