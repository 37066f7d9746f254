import { Readable } from 'node:stream';
import { randomFrom } from './random.ts';

/** Users of the measurement: the same for the same seed and number, made as they are read. */

const PLANS = ['free', 'free', 'free', 'free', 'free', 'free', 'free', 'pro', 'pro', 'team'] as const;
const COUNTRIES = 'DE US GB FR NO SE NL ES IT PL PT AT CH BE DK FI IE CZ GR RO HU US US US DE DE GB FR'.split(' ');
const DAY_MS = 86_400_000;
const FIRST_SIGN_UP = Date.UTC(2021, 0, 1);
const SIGN_UP_SECONDS = 5 * 365 * 86_400;
const USERS_A_PIECE = 1_000;

export const PROPERTIES = [
  'plan',
  'country',
  'email',
  'age',
  'ltv',
  'subscribed',
  'signed_up_at',
  'last_seen_on',
] as const;

export interface User {
  readonly number: number;
  readonly plan: string;
  readonly country: string;
  /** A different one for each user. */
  readonly email: string;
  /** Absent for a fifth. */
  readonly age: number | undefined;
  /** In hundredths; absent for two fifths. */
  readonly ltv: number | undefined;
  readonly subscribed: boolean;
  readonly signed_up_at: string;
  /** Absent for a tenth. */
  readonly last_seen_on: string | undefined;
}

/** The caller's id of user 1, 2, 3, …, and back. */
export const userIdOf = (number: number): string => `u${number}`;
export const userNumberOf = (userId: string): number => Number(userId.slice(1));

/** Lifetime values are spread exponentially around 150, with two decimals. */
export const randomLtv = (random: () => number): number => Math.floor(-Math.log(1 - random()) * 15_000) / 100;

const makeUser = (number: number, random: () => number): User => {
  const plan = PLANS[Math.floor(random() * PLANS.length)] as string;
  const country = COUNTRIES[Math.floor(random() * COUNTRIES.length)] as string;
  const age = random() < 0.8 ? 18 + Math.floor(random() * 70) : undefined;
  const paid = random() < 0.6;
  const ltv = randomLtv(random);
  const subscribed = random() < 0.85;
  const signedUp = FIRST_SIGN_UP + Math.floor(random() * SIGN_UP_SECONDS) * 1_000;
  const seen =
    random() < 0.9 ? new Date(signedUp + Math.floor(random() * 365) * DAY_MS).toISOString().slice(0, 10) : undefined;
  return {
    number,
    plan,
    country,
    email: `user${number}@${country.toLowerCase()}.example`,
    age,
    ltv: paid ? ltv : undefined,
    subscribed,
    signed_up_at: `${new Date(signedUp).toISOString().slice(0, 19)}Z`,
    last_seen_on: seen,
  };
};

/** What `properties` holds of a user. */
export const propertiesOf = ({ number: _, ...properties }: User): string => JSON.stringify(properties);

const csvLine = (user: User): string =>
  `${userIdOf(user.number)},${PROPERTIES.map((name) => user[name] ?? '').join(',')}\n`;

/** Text of a line a user, in pieces of a thousand. */
export const userLines = (
  users: number,
  seed: number,
  lineOf: (user: User) => string,
  onProgress: (done: number) => void = () => undefined,
): Readable =>
  Readable.from(
    (function* () {
      const random = randomFrom(seed);
      for (let first = 1; first <= users; first += USERS_A_PIECE) {
        let piece = '';
        for (let i = first; i < first + USERS_A_PIECE && i <= users; i++) piece += lineOf(makeUser(i, random));
        onProgress(Math.min(users, first + USERS_A_PIECE - 1));
        yield Buffer.from(piece);
      }
    })(),
    { objectMode: false },
  );

/** `users.csv`, about 78 bytes a user. */
export const usersCsv = (users: number, seed: number): Readable =>
  Readable.from(
    (async function* () {
      yield Buffer.from(`userId,${PROPERTIES.join(',')}\n`);
      yield* userLines(users, seed, csvLine);
    })(),
    { objectMode: false },
  );
