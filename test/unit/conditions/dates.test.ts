import fc from 'fast-check';
import { EARLIEST_MS, formatIsoDate, parseIsoDate } from '../../../src/conditions/dates.ts';
import { DATES } from '../../support/arbitraries.ts';

const FORM = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|([+-])(\d\d)(?::?(\d\d))?)?)?$/;

/** The same by a regular expression and `Date`, slowly. */
const plainly = (text: string): number | undefined => {
  const found = FORM.exec(text);
  // \d and $ are as strict as they look: no other digits, no line break at the end
  if (!found || text.endsWith('\n')) return undefined;
  const [, year = '', month = '', day = '', h = '0', m = '0', s = '0', fraction = '', , sign, oh = '0', om = '0'] =
    found;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (Number(year) < 1 || date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day))
    return undefined;
  if (Number(h) > 23 || Number(m) > 59 || Number(s) > 59 || Number(oh) > 15 || Number(om) > 59) return undefined;
  const offset = (Number(oh) * 60 + Number(om)) * (sign === '-' ? -60_000 : 60_000);
  const ms = date.getTime() + ((Number(h) * 60 + Number(m)) * 60 + Number(s)) * 1000 - offset;
  return ms + Number(fraction.padEnd(3, '0').slice(0, 3));
};

describe('parseIsoDate', () => {
  test.each([
    ['1970-01-01', 0],
    ['2024-02-29', 1_709_164_800_000],
    ['2024-02-29T12:00', 1_709_208_000_000],
    ['2024-02-29 12:00:00.5Z', 1_709_208_000_500],
    ['2024-02-29T12:00:00.123999999Z', 1_709_208_000_123],
    ['1969-12-31T23:59:59.9999Z', -1],
    ['2024-03-01T00:30+0130', 1_709_247_600_000],
    ['2024-02-29T21:30-01:30', 1_709_247_600_000],
    ['2024-03-01T00:00+01', 1_709_247_600_000],
    ['2000-02-29', 951_782_400_000],
    ['0001-01-01', -62_135_596_800_000],
    ['0099-12-31', -59_011_545_600_000],
    ['9999-12-31T23:59:59.999Z', 253_402_300_799_999],
    ['0001-01-01T00:00+15:59', EARLIEST_MS],
  ])('%s is %d', (text, ms) => {
    expect(parseIsoDate(text)).toBe(ms);
  });

  test.each([
    '',
    '2024',
    '2024-02',
    '2023-02-29',
    '1900-02-29',
    '0000-01-01',
    '2024-13-01',
    '2024-00-01',
    '2024-04-31',
    '2024-01-00',
    '2024-1-1',
    '20240101',
    '2024-01-01T',
    '2024-01-01T10',
    '2024-01-01T1000',
    '2024-01-01T24:00',
    '2024-01-01T10:60',
    '2024-01-01T10:00:60',
    '2024-01-01T10:00:00.',
    '2024-01-01T10:00:00.1234567890',
    '2024-01-01T10:00:00,5',
    '2024-01-01T10:00.5',
    '2024-01-01T10:00z',
    '2024-01-01t10:00',
    '2024-01-01Z',
    '2024-01-01+01:00',
    '2024-01-01T10:00+16:00',
    '2024-01-01T10:00+01:60',
    '2024-01-01T10:00+1',
    '2024-01-01T10:00+01:',
    '2024-01-01T10:00+01:0',
    '2024-01-01T10:00+010',
    '2024-01-01T10:00+01000',
    '2024-01-01T10:00 Z',
    '2024-01-01T10:00ZZ',
    ' 2024-01-01',
    '2024-01-01 ',
    '2024-01-01\n',
    '2024-01-01T10:00Z\n',
    '-2024-01-01',
    '+002024-01-01',
    '２０２４-01-01',
    '2024/01/01',
    '2024-01-01T10:00\u221201:00',
  ])('%j is none', (text) => {
    expect(parseIsoDate(text)).toBeUndefined();
  });

  test('agrees with Date about every day of 400 years, and the first and last', () => {
    const differing: string[] = [];
    const compare = (from: number, to: number) => {
      for (let day = from; day < to; day++) {
        const text = new Date(day * 86_400_000).toISOString().slice(0, 10);
        if (parseIsoDate(text) !== day * 86_400_000) differing.push(text);
      }
    };
    compare(-719_162, -719_162 + 40_000);
    compare(-100_000, 46_097);
    compare(2_932_897 - 40_000, 2_932_897);
    expect(differing).toEqual([]);
  });

  test('agrees with a regular expression and Date about near misses', () => {
    const part = (values: string[]) => fc.constantFrom(...values);
    const text = fc
      .tuple(
        part(['2024', '0001', '0000', '1900', '9999', '202']),
        part(['-', '-', '-', '/']),
        part(['01', '02', '12', '13', '00']),
        part(['-', '-', '-', '']),
        part(['01', '28', '29', '30', '31', '32', '0']),
        part(['', 'T', ' ', 't']),
        part(['', '00:00', '23:59', '24:00', '9:00', '10']),
        part(['', ':00', ':59', ':60', ':5']),
        part(['', '.', '.0', '.1239', '.999999999', '.9999999999']),
        part(['', 'Z', '+01', '-0130', '+15:59', '+16:00', '+1:00', '-01:60', '+01:', 'z']),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (one) => parseIsoDate(one) === plainly(one)),
      { numRuns: 20_000 },
    );
    for (const one of DATES) expect(parseIsoDate(one)).toBe(plainly(one));
  });

  test('formatIsoDate writes what parseIsoDate reads', () => {
    fc.assert(
      fc.property(fc.integer({ min: EARLIEST_MS, max: 253_402_300_799_999 + 57_540_000 }), (ms) =>
        expect(parseIsoDate(formatIsoDate(ms))).toBe(ms),
      ),
    );
    for (const ms of [EARLIEST_MS, -62_135_596_800_001, -1, 0, 253_402_300_800_000, 253_402_300_799_999 + 57_540_000])
      expect(parseIsoDate(formatIsoDate(ms))).toBe(ms);
  });
});
