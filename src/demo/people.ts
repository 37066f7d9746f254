import { integer, pick, type Random, seeded, seedOf, weighted } from './random.ts';

const DAY_MS = 86_400_000;
const SEED = 1;

const FIRST = [
  'Ada',
  'Amir',
  'Anna',
  'Ben',
  'Chloé',
  'Dmitri',
  'Elena',
  'Femi',
  'Grace',
  'Hugo',
  'Ines',
  'Jonas',
  'Kaori',
  'Lena',
  'Mateo',
  'Nadia',
  'Noah',
  'Olga',
  'Priya',
  'Rui',
  'Sofía',
  'Tomás',
  'Wei',
  'Zoë',
];
const LAST = [
  'Andersson',
  'Baker',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fischer',
  'García',
  'Haddad',
  'Ito',
  'Jansen',
  'Kowalski',
  'Lopez',
  'Müller',
  'Nguyen',
  'Okafor',
  'Patel',
  'Rossi',
  'Schmidt',
  'Tanaka',
  'Weber',
];
const PLACES = [
  ['Berlin', 'DE', 16],
  ['Hamburg', 'DE', 7],
  ['Paris', 'FR', 12],
  ['Lyon', 'FR', 4],
  ['London', 'GB', 14],
  ['Leeds', 'GB', 3],
  ['Madrid', 'ES', 8],
  ['Sevilla', 'ES', 3],
  ['Milano', 'IT', 7],
  ['Amsterdam', 'NL', 6],
  ['Kraków', 'PL', 5],
  ['Lisboa', 'PT', 4],
  ['New York', 'US', 9],
  ['São Paulo', 'BR', 6],
  ['Tokyo', 'JP', 4],
] as const;
const DOMAINS = ['example.com', 'example.org', 'example.net', 'acme.example', 'mail.example'];
const TAGS = ['beta', 'vip', 'partner', 'newsletter', 'webinar', 'referred', 'trial'];

/** The n-th generated user, always the same for the same `today` (epoch ms of a midnight). */
export const person = (n: number, today: number): Record<string, unknown> => {
  const random = seeded(seedOf(SEED, n));
  const first = pick(random, FIRST);
  const last = pick(random, LAST);
  const place = weighted(
    random,
    PLACES.map((each) => [each, each[2]] as const),
  );
  const plan = weighted(random, [
    ['free', 68],
    ['pro', 24],
    ['team', 8],
  ] as const);
  const daysSince = Math.floor(random() ** 2 * 900);
  const paying = plan !== 'free';
  return {
    userId: `u${String(n).padStart(6, '0')}`,
    name: `${first} ${last}`,
    email: `${plainLetters(first)}.${plainLetters(last)}${n}@${pick(random, DOMAINS)}`,
    plan,
    address: { city: place[0], country: place[1] },
    ...(random() < 0.7 ? { age: integer(random, 18, 79) } : {}),
    ...(paying
      ? {
          ltv: Math.round((20 + random() ** 3 * 4_000) * 100) / 100,
          seats: plan === 'team' ? integer(random, 3, 60) : 1,
        }
      : {}),
    subscribed: random() < 0.81,
    signedUpAt: new Date(today - daysSince * DAY_MS - Math.floor(random() * DAY_MS)).toISOString(),
    ...(random() < 0.55 ? { birthday: birthday(random) } : {}),
    ...tags(random),
    score: Math.round(random() * 1_000) / 10,
  };
};

const plainLetters = (name: string): string =>
  name
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase();

const birthday = (random: Random): string =>
  new Date(Date.UTC(integer(random, 1945, 2007), integer(random, 0, 11), integer(random, 1, 28)))
    .toISOString()
    .slice(0, 10);

const tags = (random: Random): { tags?: string[] } => {
  const chosen = TAGS.filter(() => random() < 0.13);
  return chosen.length === 0 ? {} : { tags: chosen };
};
