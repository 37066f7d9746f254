import { Readable } from 'node:stream';

/** Users of the measurement: the same for the same seed and number, made as they are read. */

export const COLUMNS = [
  'userId',
  'plan',
  'country',
  'email',
  'age',
  'ltv',
  'subscribed',
  'signed_up_at',
  'last_seen_on',
] as const;

const PLANS = ['free', 'free', 'free', 'free', 'free', 'free', 'free', 'pro', 'pro', 'team'] as const;
const COUNTRIES = 'DE US GB FR NO SE NL ES IT PL PT AT CH BE DK FI IE CZ GR RO HU US US US DE DE GB FR'.split(' ');
const DAY_MS = 86_400_000;
const FIRST_SIGN_UP = Date.UTC(2021, 0, 1);
const SIGN_UP_SECONDS = 5 * 365 * 86_400;
const LINES_A_CHUNK = 1_000;

/** Mulberry32: 32 bits of state, good enough for data, the same on every machine. Gives [0, 1). */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const line = (i: number, random: () => number): string => {
  const plan = PLANS[Math.floor(random() * PLANS.length)];
  const country = COUNTRIES[Math.floor(random() * COUNTRIES.length)];
  const age = random() < 0.8 ? 18 + Math.floor(random() * 70) : '';
  const paid = random() < 0.6;
  const ltv = Math.floor(-Math.log(1 - random()) * 15_000) / 100;
  const subscribed = random() < 0.85;
  const signedUp = FIRST_SIGN_UP + Math.floor(random() * SIGN_UP_SECONDS) * 1_000;
  const seen =
    random() < 0.9 ? new Date(signedUp + Math.floor(random() * 365) * DAY_MS).toISOString().slice(0, 10) : '';
  const email = `user${i}@${(country as string).toLowerCase()}.example`;
  const signedUpAt = `${new Date(signedUp).toISOString().slice(0, 19)}Z`;
  return `u${i},${plan},${country},${email},${age},${paid ? ltv : ''},${subscribed},${signedUpAt},${seen}\n`;
};

/** `users.csv` as a stream of about 78 bytes a user. */
export const usersCsv = (users: number, seed: number): Readable =>
  Readable.from(
    (function* () {
      const random = randomFrom(seed);
      yield Buffer.from(`${COLUMNS.join(',')}\n`);
      for (let first = 1; first <= users; first += LINES_A_CHUNK) {
        const lines: string[] = [];
        for (let i = first; i < first + LINES_A_CHUNK && i <= users; i++) lines.push(line(i, random));
        yield Buffer.from(lines.join(''));
      }
    })(),
    { objectMode: false },
  );

interface Work {
  readonly name: string;
  readonly condition: object;
  /** The same by hand over `properties jsonb`. */
  readonly where: string;
}

const property = (name: string, operator: string, value?: unknown): object =>
  value === undefined
    ? { type: 'property', property: name, operator }
    : { type: 'property', property: name, operator, value };

export const WORK: readonly Work[] = [
  { name: 'is_set', condition: property('ltv', 'is_set'), where: `properties ? 'ltv'` },
  {
    name: 'five_leaves',
    condition: {
      type: 'all',
      of: [
        { type: 'any', of: [property('plan', 'equals', 'pro'), property('plan', 'equals', 'team')] },
        property('ltv', 'greater_than', 100),
        { type: 'not', of: property('country', 'equals', 'DE') },
        property('subscribed', 'equals', true),
      ],
    },
    where: `(properties @> '{"plan":"pro"}' or properties @> '{"plan":"team"}')
      and (properties ->> 'ltv')::float8 > 100
      and not properties @> '{"country":"DE"}'
      and properties @> '{"subscribed":true}'`,
  },
];
