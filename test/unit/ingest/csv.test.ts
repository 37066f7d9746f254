import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { CsvReader } from '../../../src/ingest/imports/csv.ts';
import { type FileRecord, PlainLineReader, type RecordReader } from '../../../src/ingest/imports/records.ts';
import { MAX_LINE_BYTES, MAX_UNCLOSED_QUOTES } from '../../../src/ingest/limits.ts';

const read = (reader: RecordReader, bytes: Buffer, piece = bytes.length || 1): FileRecord[] => {
  const records: FileRecord[] = [];
  for (let at = 0; at < bytes.length; at += piece)
    for (const record of reader.push(bytes.subarray(at, at + piece))) records.push(record);
  return [...records, ...reader.end()];
};
const csv = (text: string | Buffer, piece?: number): FileRecord[] =>
  read(new CsvReader(), Buffer.from(text as string), piece);
const cells = (text: string): unknown[] => csv(text).map((record) => record.cells ?? record.problem);

describe('CSV', () => {
  test('lines, with and without quotes, with every line end', () => {
    expect(cells('a,b\n1,2\r\n"x, y","say ""hi"""\r\n"two\nlines",\n,\n')).toEqual([
      ['a', 'b'],
      ['1', '2'],
      ['x, y', 'say "hi"'],
      ['two\nlines', ''],
      ['', ''],
    ]);
    expect(cells('a,b\n1,2')).toEqual([
      ['a', 'b'],
      ['1', '2'],
    ]);
    expect(cells('a,"b"')).toEqual([['a', 'b']]);
    expect(cells('a,""\r')).toEqual([['a', '']]);
    expect(cells('')).toEqual([]);
    expect(cells('\uFEFFa,b\n')).toEqual([['a', 'b']]);
    expect(cells('\uFEFF"a",b\n')).toEqual([['a', 'b']]);
  });

  test('numbers the physical lines, and leaves empty ones out', () => {
    expect(csv('a\n\nb\n"c\nd"\r\n\r\ne,"f"\ng').map(({ line, raw }) => [line, raw])).toEqual([
      [1, 'a'],
      [3, 'b'],
      [4, '"c\nd"'],
      [7, 'e,"f"'],
      [8, 'g'],
    ]);
  });

  test('a stray quote costs its line and no other', () => {
    expect(cells('a\n5" pipe\nb\n"x"y\nc\n')).toEqual([
      ['a'],
      'a quote stands in a cell that does not begin with one',
      ['b'],
      'something stands between a closing quote and the next comma',
      ['c'],
    ]);
    expect(cells('a\n"never closed\nb\nc')).toEqual([['a'], 'a quote is opened and not closed', ['b'], ['c']]);
    const long = `a\n"never closed\n${'b,c\n'.repeat(MAX_LINE_BYTES / 2)}`;
    const records = csv(long, 65_536);
    expect(records[1]).toEqual({ line: 2, raw: '"never closed', problem: 'a quote is opened and not closed' });
    expect(records).toHaveLength(2 + MAX_LINE_BYTES / 2);
    expect(records.at(-1)).toEqual({ line: 2 + MAX_LINE_BYTES / 2, raw: 'b,c', cells: ['b', 'c'] });
  });

  test('gives up where quotes are never closed again and again', () => {
    const lines = `${'x'.repeat(1_023)}\n`.repeat(MAX_LINE_BYTES / 1024 + 1);
    const reader = new CsvReader();
    expect(() => {
      for (let i = 0; i < MAX_UNCLOSED_QUOTES + 2; i++) reader.push(Buffer.from(`"open\n${lines}`));
    }).toThrow(/opened and not closed/);
  });

  test('what is no text is an error of its line', () => {
    const bytes = Buffer.concat([
      Buffer.from('a\n'),
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from('b\nc\0d\n"e\0"\n'),
      Buffer.from('f\n'),
    ]);
    expect(csv(bytes).map((record) => record.cells ?? record.problem)).toEqual([
      ['a'],
      'it is not UTF-8',
      ['b'],
      'it holds a NUL character',
      'it holds a NUL character',
      ['f'],
    ]);
  });

  test('50 MB without a line end are one error, in bounded memory', () => {
    for (const reader of [new CsvReader(), new PlainLineReader()])
      for (const byte of ['x', '"', ',']) {
        const piece = Buffer.alloc(256 * 1024, byte);
        const records = reader.push(Buffer.from('a\n'));
        const before = process.memoryUsage().arrayBuffers;
        let most = 0;
        for (let i = 0; i < 200; i++) {
          records.push(...reader.push(piece));
          most = Math.max(most, process.memoryUsage().arrayBuffers - before);
        }
        records.push(...reader.push(Buffer.from('\nb\n')), ...reader.end());
        expect(records.map(({ line, raw, problem }) => problem ?? `${line} ${raw}`)).toEqual([
          expect.stringMatching(/ a$/),
          'it is longer than 1 MiB',
          expect.stringMatching(/ b$/),
        ]);
        expect(records[1]!.raw.length).toBeLessThan(2_000);
        // what the garbage collector has not got to yet; the text itself would be 50 MB at once
        expect(most).toBeLessThan(200 * 1024 * 1024);
      }
  });

  const cell = fc.oneof(
    fc.constantFrom('', 'a', ' ', ',', '"', '\n', '\r\n', '"",', 'é', '😀', "it's"),
    fc
      .array(fc.constantFrom('a', ',', '"', '\n', '\r\n', ' ', 'é', '😀', '1'), { maxLength: 8 })
      .map((parts) => parts.join('')),
  );
  const written = (value: string, quote: boolean): string =>
    quote || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  const file = fc
    .array(fc.array(fc.tuple(cell, fc.boolean()), { minLength: 2, maxLength: 4 }), { maxLength: 8 })
    .chain((rows) => fc.record({ rows: fc.constant(rows), crlf: fc.boolean(), last: fc.boolean() }))
    .map(({ rows, crlf, last }) => {
      const end = crlf ? '\r\n' : '\n';
      const text = rows.map((row) => row.map(([value, quote]) => written(value, quote)).join(',')).join(end);
      return { rows: rows.map((row) => row.map(([value]) => value)), text: last ? text + end : text };
    });

  test('gives back what was written, in pieces of any size, as csv-parse does', () => {
    fc.assert(
      fc.property(file, fc.integer({ min: 1, max: 20 }), ({ rows, text }, piece) => {
        const found = csv(text, piece);
        expect(found.map((record) => record.cells)).toEqual(rows);
        expect(parse(text, { relax_column_count: true, skip_empty_lines: true })).toEqual(rows);
        for (const { line, raw } of found)
          expect(
            text
              .split('\n')
              .slice(line - 1)
              .join('\n')
              .startsWith(raw),
          ).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('gives the same in pieces as at once, and never loses a line, for any bytes', () => {
    const bytes = fc
      .array(fc.constantFrom(...Buffer.from('"",\n\r\nab\u00e9'), 0xff, 0), { maxLength: 60 })
      .map((all) => Buffer.from(all));
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 20 }), (all, piece) => {
        const whole = csv(all);
        expect(csv(all, piece)).toEqual(whole);
        const lines = whole.map(({ line }) => line);
        expect(lines).toEqual([...lines].sort((a, b) => a - b));
        const covered = new Set(whole.flatMap(({ line, raw }) => raw.split('\n').map((_, i) => line + i)));
        const text = all.subarray(all.subarray(0, 3).equals(Buffer.from('\uFEFF')) ? 3 : 0).toString('latin1');
        for (const [i, line] of text.split('\n').entries())
          if (line.replace(/\r$/, '') !== '') expect(covered.has(i + 1)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
