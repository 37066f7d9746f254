import fc from 'fast-check';
import { parseIsoDate } from '../../../src/conditions/dates.ts';
import { yearDayOf } from '../../../src/index/codes.ts';
import { DATES } from '../../support/arbitraries.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

/** Functions of the row forms against what they must agree with. */

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database?.drop();
});

/** Dates, whole or with a character replaced, dropped or added. */
const nearDate = fc
  .tuple(
    fc.constantFrom(...DATES),
    fc.nat({ max: 36 }),
    fc.constantFrom('', '0', '1', '3', '9', '-', '+', ':', '.', 'T', 'Z', ' ', '٣', '\n'),
    fc.nat({ max: 1 }),
  )
  .map(([date, at, by, dropped]) => date.slice(0, at) + by + date.slice(at + dropped));

test('evenkeel_date reads exactly what parseIsoDate reads', async () => {
  const texts = [...DATES, ...fc.sample(nearDate, 20_000), '', 'x'.repeat(100_000)];
  const { rows } = await database.pool.query<{ ms: number | null }>(
    'select evenkeel_date(t) as ms from unnest($1::text[]) with ordinality as given (t, i) order by i',
    [texts],
  );
  const wrong = texts.filter((text, i) => (parseIsoDate(text) ?? null) !== rows[i]?.ms);
  expect(wrong).toEqual([]);
  expect(rows.filter(({ ms }) => ms !== null).length).toBeGreaterThan(500);
});

test('evenkeel_sampled says of each user what evenkeel_sample says of the chunk', async () => {
  const { rows } = await database.pool.query<{ different: number }>(
    `select count(*)::integer as different
     from (values (0, 'june', 1), (3, 'é😀', 655), (3, 'é😀', 32768), (60000, '', 65535), (7, 'x', 0), (7, 'x', 65536))
       as wanted (chunk, seed, threshold)
     cross join lateral (select evenkeel_sample(chunk, seed, threshold) as bits offset 0) sample
     cross join generate_series(0, 31999, 11) as place
     where (get_bit(bits, place) = 1) is distinct from evenkeel_sampled(chunk * 32000 + place, seed, threshold)`,
  );
  expect(rows[0]?.different).toBe(0);
});

test('evenkeel_year_day says of every day what yearDayOf says, and of no value that it is an error', async () => {
  const days = Array.from({ length: 4_000 }, (_, i) => Math.floor((i * 8.64e15) / 4_000) * (i % 2 === 0 ? 1 : -1));
  const values: unknown[] = [
    ...days.map((ms) => (ms >= 1e11 ? ms : ms / 1000)),
    ...DATES,
    ...[1e308, -1e308, 8.64e15 + 2, -8.64e12 - 1, 5e-324, true, [], {}, null, ''],
  ];
  const { rows } = await database.pool.query<{ day: number | null }>(
    'select evenkeel_year_day(v) as day from unnest($1::jsonb[]) with ordinality as given (v, i) order by i',
    [values.map((value) => JSON.stringify(value))],
  );
  const ofTexts = DATES.map((text) => parseIsoDate(text)).map((ms) => (ms === undefined ? null : yearDayOf(ms)));
  const expected = [...days.map(yearDayOf), ...ofTexts, null, null, null, null, 0, null, null, null, null, null];
  expect(rows.map(({ day }) => day)).toEqual(expected);
});
