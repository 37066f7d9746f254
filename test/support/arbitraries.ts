import fc from 'fast-check';
import type { ConditionJson } from './oracle.ts';

/**
 * Generators of users, events and conditions. What a condition names is mostly drawn from the data and its near misses, so
 * that leaves hold for some users and not for others.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Traits = { [path: string]: Json };

const DAY_MS = 86_400_000;

/** Dotted keys are paths. `tags` is mostly an array and sometimes an object that has a member `0`. */
export const PROPERTIES = [
  'plan',
  'age',
  'ltv',
  'active',
  'born',
  'seen',
  'tags',
  'tags.0',
  'address',
  'address.city',
  'address.geo.lat',
  'any thing',
  `o'quote"`,
  'back\\slash%_',
  '{a,b}',
  '__proto__',
  'constructor',
  'NULL',
  'naïve.π𝒳',
  'mixed',
  'many',
] as const;

/** What events carry of them. */
export const EVENT_PROPERTIES = [
  'plan',
  'age',
  'ltv',
  'active',
  'seen',
  'tags',
  'tags.0',
  'address.city',
  '__proto__',
  `o'quote"`,
  'mixed',
] as const;

export const EVENTS = ['purchase', 'page', 'sign up', 'événement 🚀', '__proto__', `it's`] as const;

const STRINGS = [
  '',
  ' ',
  'pro',
  'Pro',
  'free',
  'prop',
  'apron',
  '5',
  '05',
  '5.0',
  '-0',
  'true',
  'null',
  '%',
  '_',
  '\\',
  "'",
  '"',
  '100%',
  '100_',
  'a\\b',
  "it's",
  '{"a":1}',
  '[]',
  '\t',
  'line\nbreak',
  'é',
  'e\u0301',
  'ﬀ',
  'ß',
  'ẞ',
  'STRASSE',
  'İ',
  'i̇',
  'I',
  'ı',
  'ΟΔΟΣ',
  'οδος',
  'οδοσ',
  'Å',
  'å',
  'K',
  'ǅ',
  'É',
  '😀',
  '😀😀',
  '𝒳y',
  '\u{10FFFF}',
  '\uFFFD',
  '\u200d',
  'user@acme.example',
  'x'.repeat(3000),
] as const;

export const DATES = [
  '0001-01-01',
  '0001-01-01T00:00:00Z',
  '0001-01-01T00:00+15:59',
  '9999-12-31',
  '9999-12-31T23:59:59.999999999Z',
  '9999-12-31T23:59:59.999-15:59',
  '0000-12-31',
  '1969-12-31',
  '1969-12-31T23:59:59.999Z',
  '1969-12-31T23:59:59.9999Z',
  '1970-01-01',
  '1970-01-01T00:00:00.001Z',
  '1900-02-29',
  '2000-02-29',
  '2023-02-29',
  '2024-02-29',
  '2024-02-29T12:00',
  '2024-02-29 12:00:00',
  '2024-02-29T12:00:00.5Z',
  '2024-02-29T12:00:00.0001Z',
  '2024-02-29T23:30:00-01:00',
  '2024-03-01T00:30:00+01:00',
  '2024-03-01T00:30+0100',
  '2024-03-01T00:30+01',
  '2024-03-01T00:30+16:00',
  '2024-03-01T00:30+01:60',
  '2024-03-01T24:00:00Z',
  '2024-03-01T23:60:00Z',
  '2024-03-01T23:59:60Z',
  '2024-03-01T23Z',
  '2024-03-01Z',
  '2024-03-01T10:00z',
  '2024-03-01t10:00Z',
  '2024-03-01T10:00Z\n',
  ' 2024-03-01',
  '2024-3-1',
  '2024-13-01',
  '2024-00-10',
  '2024-04-31',
  '20240301',
  '+002024-03-01',
  '２０２４-03-01',
] as const;

const NUMBERS = [
  -0,
  0,
  1,
  -1,
  2,
  5,
  10,
  0.1,
  0.2,
  0.1 + 0.2,
  0.3,
  -0.1,
  1.5,
  19.99,
  20,
  1e21,
  -1e21,
  1e308,
  -1e308,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  5e-324,
  -5e-324,
  2.2250738585072014e-308,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 53 - 1,
  -(2 ** 53) - 2,
  2 ** 63,
  1e15,
  99_999_999_999,
  1e11,
  100_000_000_001,
  -1e11,
  8.64e12,
  8.64e15,
  8.64e15 + 2,
  -8.64e12,
  1_709_208_000,
  1_709_208_000.5,
  1_709_208_000_000,
  1_709_208_000_001,
  1_709_207_999_999.25,
  951_782_400,
] as const;

/** Numbers that never need the float64 layout and grow no finer than two decimals: columns that stay scaled integers. */
const price = fc.integer({ min: -2_000, max: 20_000 }).map((cents) => cents / 100);
const integer = fc.integer({ min: -40, max: 120 });

const iso = (nowMs: number): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.oneof(
        fc.integer({ min: -40 * DAY_MS, max: 10 * DAY_MS }).map((ms) => nowMs + ms),
        fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
      ),
      fc.constantFrom(10, 16, 19, 23, 24),
    )
    .map(([ms, length]) => {
      const text = new Date(ms).toISOString().slice(0, length);
      return length >= 16 && length < 24 && ms % 2 === 0 ? `${text}+02:00` : text;
    });

const word = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...STRINGS) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 6 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }).map((text) => text.replaceAll('\0', '')) },
  // what `texts` does not hold: with its separator, and longer than it takes
  { weight: 1, arbitrary: fc.constantFrom('pro\u0001', '\u0001', 'long pro '.repeat(30)) },
);

const number = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 3, arbitrary: integer },
  { weight: 2, arbitrary: price },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
);

const element: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom<Json>('beta', 'vip', '5', 5, 0, -0, 0.1, true, false, '', 'é', '2024-02-29'),
  },
  { weight: 1, arbitrary: word },
  { weight: 1, arbitrary: number },
  { weight: 1, arbitrary: fc.constantFrom<Json>(null, [], ['beta'], {}, { beta: 'vip' }) },
);
const array = fc.array(element, { maxLength: 5 });
const empty = fc.constantFrom<Json>(null, '', [], {}, false, 0);
const date = (nowMs: number) => fc.oneof(fc.constantFrom(...DATES), iso(nowMs));

const anyValue = (nowMs: number): fc.Arbitrary<Json> =>
  fc.oneof(
    word,
    number,
    fc.boolean(),
    array,
    empty,
    date(nowMs),
    fc.constantFrom<Json>({ deep: { deeper: [1, null] } }),
  );

/** What a property mostly holds; now and then anything else. */
const valueOf = (property: string, nowMs: number, tame: boolean): fc.Arbitrary<Json> => {
  const usual: Record<string, fc.Arbitrary<Json>> = {
    plan: fc.constantFrom('pro', 'free', 'Pro', 'prop', '', 'team 😀'),
    age: integer,
    ltv: price,
    active: fc.boolean(),
    born: tame ? fc.constantFrom('1969-12-31', '2000-02-29', '2024-02-29', '0001-01-01') : fc.constantFrom(...DATES),
    seen: iso(nowMs),
    tags: array,
    'tags.0': word,
    address: fc.constantFrom<Json>({}, { zip: '01234' }, { city: 'Oslo', zip: 5 }),
    many: fc.integer({ min: 0, max: 5_000 }).map((n) => `value ${n}`),
  };
  const own = Object.hasOwn(usual, property) ? usual[property] : undefined;
  const any = anyValue(nowMs);
  if (!own) return any;
  return tame ? own : fc.oneof({ weight: 9, arbitrary: own }, { weight: 1, arbitrary: any });
};

/** Puts `value` under the dotted path; where the path crosses something that is no object, the object replaces it. */
const put = (target: Traits, path: string, value: Json): void => {
  const keys = path.split('.');
  let at: Traits = target;
  for (const key of keys.slice(0, -1)) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined;
    const object: Traits =
      typeof next === 'object' && next !== null && !Array.isArray(next) ? next : Object.create(null);
    at[key] = object;
    at = object;
  }
  at[keys.at(-1) as string] = value;
};

/**
 * Traits as an identify call carries them: nested objects, some properties missing. `tame`: numbers with two decimals at
 * most and whole days, so that later wilder values make the columns finer.
 */
export const traits = (nowMs: number, tame = false, absent = 0.5): fc.Arbitrary<Traits> =>
  traitsOf(PROPERTIES, nowMs, tame, absent);

const traitsOf = (names: readonly string[], nowMs: number, tame: boolean, absent: number): fc.Arbitrary<Traits> =>
  fc
    .tuple(
      ...names.map((property) =>
        fc.option(valueOf(property, nowMs, tame), { freq: Math.round(1 / absent), nil: undefined }),
      ),
    )
    .map((values) => {
      const result: Traits = Object.create(null);
      names.forEach((property, i) => {
        const value = values[i];
        if (value !== undefined) put(result, property, structuredCloneOf(value));
      });
      return result;
    });

const structuredCloneOf = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json;

export interface EventData {
  readonly event: string;
  readonly timestamp: string;
  readonly messageId: string;
  readonly properties: Traits;
}

/** Edges of days and months around now, ±1 ms, the far past and the future. */
export const eventTime = (nowMs: number): fc.Arbitrary<number> => {
  const day = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const month = Date.UTC(new Date(nowMs).getUTCFullYear(), new Date(nowMs).getUTCMonth(), 1);
  const edge = fc.constantFrom(
    day,
    month,
    ...[1, 2, 7, 30, 31, 60].map((days) => day - days * DAY_MS),
    ...[1, 7, 30].map((days) => nowMs - days * DAY_MS),
    Date.UTC(2024, 1, 29),
    Date.UTC(2024, 2, 1),
    Date.UTC(1969, 11, 31),
    Date.UTC(1970, 0, 1),
    nowMs + DAY_MS,
  );
  return fc.oneof(
    { weight: 3, arbitrary: fc.tuple(edge, fc.constantFrom(-1, 0, 1)).map(([at, by]) => at + by) },
    { weight: 3, arbitrary: fc.integer({ min: -70 * DAY_MS, max: 0 }).map((ms) => nowMs + ms) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 5 * DAY_MS }).map((ms) => nowMs + ms) },
  );
};

export const events = (nowMs: number, maxLength = 6): fc.Arbitrary<EventData[]> =>
  fc.array(
    fc
      .tuple(
        fc.constantFrom(...EVENTS),
        eventTime(nowMs),
        fc.integer({ min: 0, max: 400 }),
        fc.nat(),
        traitsOf(EVENT_PROPERTIES, nowMs, false, 0.5),
      )
      .map(([event, at, repeat, unique, properties]) => ({
        event,
        properties,
        timestamp: new Date(at).toISOString(),
        // some ids are met again, also with another time: the first one counts
        messageId: repeat < 40 ? `again-${repeat}` : `m-${repeat}-${unique}-${at}`,
      })),
    { maxLength },
  );

/** What the data holds, for conditions to name. */
export interface Pool {
  readonly values: ReadonlyMap<string, readonly Json[]>;
  /** Of the events' own properties. */
  readonly eventValues: ReadonlyMap<string, readonly Json[]>;
  readonly times: readonly number[];
  readonly segments: readonly string[];
  readonly nowMs: number;
}

const valuesOf = (names: readonly string[], all: Iterable<Traits>): Map<string, Json[]> => {
  const values = new Map<string, Json[]>(names.map((property) => [property, []]));
  for (const properties of all) {
    for (const property of names) {
      let value: Json | undefined = properties;
      for (const key of property.split('.'))
        value =
          typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
            ? value[key]
            : undefined;
      if (value !== undefined) values.get(property)?.push(value);
    }
  }
  return values;
};

export const poolOf = (
  users: readonly Traits[],
  happened: readonly { readonly at: number; readonly properties: Traits }[],
  segments: readonly string[],
  nowMs: number,
): Pool => ({
  values: valuesOf(PROPERTIES, users),
  eventValues: valuesOf(
    EVENT_PROPERTIES,
    happened.map(({ properties }) => properties),
  ),
  times: [...new Set(happened.map(({ at }) => at))],
  segments,
  nowMs,
});

const drawn = <T extends Json>(pool: Pool, property: string, is: (value: Json) => value is T): T[] =>
  (pool.values.get(property) ?? []).filter(is);
const isString = (value: Json): value is string => typeof value === 'string';
const isNumber = (value: Json): value is number => typeof value === 'number';
const isScalar = (value: Json): value is string | number | boolean =>
  isString(value) || isNumber(value) || typeof value === 'boolean';
const elementsOf = (pool: Pool, property: string) =>
  (pool.values.get(property) ?? []).flatMap((value) => (Array.isArray(value) ? value.filter(isScalar) : []));

const mostlyFrom = <T>(values: readonly T[], other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  values.length === 0
    ? other
    : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: other });

const scalar: fc.Arbitrary<string | number | boolean> = fc.oneof(word, number, fc.boolean());

const sliceOf = (text: string): fc.Arbitrary<string> => {
  const points = [...text.slice(0, 40)];
  return fc
    .tuple(fc.nat({ max: points.length }), fc.nat({ max: 3 }), fc.constantFrom('any', 'start', 'end'))
    .map(([from, length, where]) =>
      where === 'start'
        ? points.slice(0, length + 1).join('')
        : where === 'end'
          ? points.slice(-(length + 1)).join('')
          : points.slice(from, from + length + 1).join(''),
    );
};

/** The same text in another case, mostly; where that is another length, as of "ß" and "İ", all the better. */
const otherCase = (text: string): fc.Arbitrary<string> =>
  fc.constantFrom(text, text.toUpperCase(), text.toLowerCase(), text.normalize('NFD')).filter((other) => other !== '');

const escapePattern = (text: string): string => text.replace(/[^\p{L}\p{N}]/gu, (c) => (/\w/.test(c) ? c : `[${c}]`));

/** Regular expressions that PostgreSQL can read, and that take no time. */
const pattern = (part: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom(
      '^\\w+$',
      '\\W',
      '[[:upper:]]',
      '^[^a-z]*$',
      '\\d{2,}',
      '(?i)PRO',
      '^(pro|free)$',
      '\\mpro\\M',
      '.',
      '^$|x{3}',
      '\\s',
      'é|ß|σ|İ',
      '^.{1,3}$',
    ),
    fc
      .tuple(
        part.filter((text) => /^[\p{L}\p{N} @.:-]+$/u.test(text)),
        fc.constantFrom('', '^'),
        fc.constantFrom('', '$', '.*', '?'),
      )
      .map(([text, start, end]) => `${start}${escapePattern(text)}${end}`),
  );

const nextAfter = (value: number, up: boolean): number => {
  if (value === 0) return up ? 5e-324 : -5e-324;
  const bits = new BigInt64Array(new Float64Array([value]).buffer);
  bits[0] = (bits[0] as bigint) + (value > 0 === up ? 1n : -1n);
  const next = new Float64Array(bits.buffer)[0] as number;
  return Number.isFinite(next) ? next : value;
};

const isIso = (value: string): boolean =>
  /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?)?$/.test(value) &&
  !value.startsWith('0000') &&
  !/^(1900|2023)-02-29|^2024-(13|00|04-31)|T24|:60|\+16/.test(value);

const duration: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>({ days: 1 }, { days: 7 }, { days: 30 }, { days: 60 }, { weeks: 4 }, { hours: 36 }),
  fc.integer({ min: 1, max: 60 * 24 * 40 }).map((minutes) => ({ minutes })),
  fc.integer({ min: 1, max: 2_000 }).map((hours) => ({ hours })),
  fc.constantFrom<Json>({ days: 36_500 }),
);

/** So many days ahead, among them those that reach 29 February, and the year's last and first day. */
const wholeDays: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    { days: 0 },
    { days: 1 },
    { weeks: 1 },
    { days: 30 },
    { days: 364 },
    { days: 365 },
    { weeks: 60 },
  ),
  fc.integer({ min: 0, max: 366 }).map((days) => ({ days })),
);

const propertyLeaf = (pool: Pool): fc.Arbitrary<ConditionJson> =>
  fc.constantFrom(...pool.values.keys(), 'nobody.has.this').chain((property) => {
    const leaf = (operator: string, value: fc.Arbitrary<unknown>) =>
      value.map((drawnValue): ConditionJson => ({ type: 'property', property, operator, value: drawnValue }));
    const base = { type: 'property', property };
    const strings = drawn(pool, property, isString);
    const numbers = drawn(pool, property, isNumber);
    const elements = elementsOf(pool, property);
    const equalTo = mostlyFrom<string | number | boolean>(
      [...drawn(pool, property, isScalar), ...elements].slice(0, 500),
      scalar,
    );
    const included = mostlyFrom<string | number | boolean>(elements.slice(0, 500), scalar);
    const part = mostlyFrom(strings, word)
      .chain((text) => sliceOf(text))
      .filter((text) => text !== '');
    const bound = fc
      .tuple(mostlyFrom(numbers, number), fc.constantFrom('same', 'up', 'down'))
      .map(([value, near]) => (near === 'same' ? value : nextAfter(value, near === 'up')));
    const dates = [
      ...strings.filter(isIso),
      ...numbers
        .map((value) => (value >= 1e11 ? value : value * 1000))
        .filter((ms) => ms > -62_135_596_800_000 && ms < 253_402_300_799_999)
        .map((ms) => new Date(Math.floor(ms)).toISOString()),
    ];
    const day = mostlyFrom(dates, fc.oneof(fc.constantFrom(...DATES.filter(isIso)), iso(pool.nowMs)));
    const set = fc.constantFrom('is_set', 'is_not_set').map((operator) => ({ type: 'property', property, operator }));
    const each = (operators: string[], value: fc.Arbitrary<unknown>) =>
      operators.map((operator) => ({ weight: 1, arbitrary: leaf(operator, value) }));
    return fc.oneof(
      { weight: 3, arbitrary: set },
      ...each(['equals', 'equals', 'not_equals'], equalTo),
      ...each(['in', 'not_in'], fc.uniqueArray(equalTo, { minLength: 1, maxLength: 5 })),
      ...each(['contains', 'not_contains', 'starts_with', 'ends_with'], part),
      ...['contains', 'not_contains', 'starts_with', 'ends_with'].map((operator) => ({
        weight: 1,
        arbitrary: part.chain(otherCase).map((value) => ({ ...base, operator, value, ignoreCase: true })),
      })),
      {
        weight: 2,
        arbitrary: fc
          .tuple(pattern(part), fc.boolean())
          .map(([value, ignoreCase]) => ({ ...base, operator: 'matches', value, ignoreCase })),
      },
      ...each(['greater_than', 'at_least', 'less_than', 'at_most'], bound),
      ...each(
        ['between'],
        fc.tuple(bound, bound).map(([a, b]) => (a <= b ? [a, b] : [b, a])),
      ),
      ...each(['before', 'after', 'on'], day),
      ...each(['within_last', 'not_within_last', 'within_next'], duration),
      ...each(['anniversary', 'anniversary'], wholeDays),
      ...each(['includes', 'not_includes'], included),
      ...each(['includes_any', 'includes_all'], fc.uniqueArray(included, { minLength: 1, maxLength: 4 })),
    );
  });

const count: fc.Arbitrary<Json | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.nat({ max: 4 }).map((n) => ({ atLeast: n })),
  fc.nat({ max: 4 }).map((n) => ({ atMost: n })),
  fc.nat({ max: 4 }).map((n) => ({ exactly: n })),
  fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 })).map(([low, more]) => ({ between: [low, low + more] })),
  fc.constantFrom<Json>({ atLeast: 1_000 }, { atMost: 1_000_000 }),
);

const eventName = fc.constantFrom(...EVENTS, 'nobody did this');

const within = (pool: Pool): fc.Arbitrary<Json | undefined> => {
  const time = fc
    .tuple(mostlyFrom(pool.times, eventTime(pool.nowMs)), fc.constantFrom(-1, 0, 0, 1))
    .map(([at, by]) => at + by);
  const text = (ms: number) => new Date(ms).toISOString();
  return fc.oneof(
    fc.constant(undefined),
    duration.map((last) => ({ last })),
    time.map((from) => ({ from: text(from) })),
    time.map((to) => ({ to: text(to) })),
    fc
      .uniqueArray(time, { minLength: 2, maxLength: 2 })
      .map((pair) => ({ from: text(Math.min(...pair)), to: text(Math.max(...pair)) })),
  );
};

/** Mostly none; one leaf leaves more to compare than two do. */
const where = (pool: Pool): fc.Arbitrary<ConditionJson[] | undefined> => {
  const leaf = propertyLeaf({ ...pool, values: pool.eventValues });
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 3, arbitrary: fc.array(leaf, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(leaf, { maxLength: 3 }) },
  );
};

/** `sum`, `avg`, `min` or `max`, with a bound that is near one of the numbers, or near twice it. */
const aggregate = (pool: Pool): fc.Arbitrary<{ readonly [field: string]: unknown }> =>
  fc
    .tuple(
      fc.constantFrom('sum', 'avg', 'min', 'max'),
      fc.constantFrom('ltv', 'ltv', 'age', 'mixed', 'plan', 'no.such'),
    )
    .chain(([kind, property]) => {
      const numbers = (pool.eventValues.get(property) ?? []).filter(isNumber);
      const bound = fc
        .tuple(
          fc.oneof({ weight: 4, arbitrary: mostlyFrom(numbers, number) }, { weight: 1, arbitrary: fc.constant(0) }),
          fc.constantFrom('same', 'same', 'up', 'down', 'twice'),
        )
        .map(([value, near]) =>
          near === 'twice' && Number.isFinite(2 * value)
            ? 2 * value
            : near === 'up' || near === 'down'
              ? nextAfter(value, near === 'up')
              : value,
        );
      const bounds: fc.Arbitrary<object> = fc.oneof(
        bound.map((atLeast) => ({ atLeast })),
        bound.map((atMost) => ({ atMost })),
        bound.map((exactly) => ({ exactly })),
        fc.tuple(bound, bound).map(([a, b]) => ({ between: a <= b ? [a, b] : [b, a] })),
      );
      return bounds.map((given) => ({ [kind]: property, ...given }));
    });

const given = (fields: { readonly [field: string]: unknown }): { [field: string]: unknown } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

export const eventLeaf = (pool: Pool): fc.Arbitrary<ConditionJson> => {
  const question = fc.oneof(
    { weight: 3, arbitrary: count.map((times) => ({ count: times })) },
    { weight: 2, arbitrary: aggregate(pool) },
    { weight: 2, arbitrary: fc.constantFrom('first', 'last').map((occurrence) => ({ occurrence })) },
  );
  return fc.tuple(eventName, question, within(pool), where(pool)).map(([event, asked, window, only]) => ({
    type: 'event',
    ...given({ event, ...asked, within: window, where: only }),
  }));
};

/** Of few names, so that some users have walked all of it. */
export const sequence = (pool: Pool): fc.Arbitrary<ConditionJson> => {
  const names = fc.subarray([...EVENTS, 'nobody did this'], { minLength: 1, maxLength: 3 });
  const steps = names.chain((some) => {
    const step = fc.tuple(
      fc.constantFrom(...some),
      fc.option(duration, { nil: undefined, freq: 2 }),
      fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: where(pool) }),
    );
    return fc.oneof(
      { weight: 4, arbitrary: fc.array(step, { minLength: 2, maxLength: 2 }) },
      { weight: 2, arbitrary: fc.array(step, { minLength: 3, maxLength: 4 }) },
      { weight: 1, arbitrary: fc.array(step, { minLength: 2, maxLength: 10 }) },
    );
  });
  return fc.tuple(steps, within(pool)).map(([all, window]) => ({
    type: 'sequence',
    ...given({
      steps: all.map(([event, after, only], i) => given({ event, after: i === 0 ? undefined : after, where: only })),
      within: window,
    }),
  }));
};

const sample: fc.Arbitrary<ConditionJson> = fc
  .tuple(fc.constantFrom(0, 0.001, 0.5, 1, 10, 33.3, 50, 99.9, 100), fc.constantFrom('june', 'é😀', "'"))
  .map(([percent, seed]) => ({ type: 'sample', percent, seed }));

export const leaf = (pool: Pool): fc.Arbitrary<ConditionJson> =>
  fc.oneof(
    { weight: 12, arbitrary: propertyLeaf(pool) },
    { weight: 8, arbitrary: eventLeaf(pool) },
    { weight: 3, arbitrary: sequence(pool) },
    { weight: 1, arbitrary: sample },
    ...(pool.segments.length === 0
      ? []
      : [
          {
            weight: 1,
            arbitrary: fc
              .constantFrom(...pool.segments)
              .map((segment): ConditionJson => ({ type: 'segment', segment })),
          },
        ]),
  );

/** Trees to depth 5; empty `all` and `any` too. */
export const condition = (pool: Pool, depth = 4): fc.Arbitrary<ConditionJson> => {
  const one = leaf(pool);
  if (depth === 0) return one;
  const below = condition(pool, depth - 1);
  return fc.oneof(
    { weight: 3, arbitrary: one },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom('all', 'any'), fc.array(below, { maxLength: 4 }))
        .map(([type, of]): ConditionJson => ({ type, of })),
    },
    { weight: 1, arbitrary: below.map((of): ConditionJson => ({ type: 'not', of })) },
  );
};
