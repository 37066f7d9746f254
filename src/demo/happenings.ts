import { integer, pick, type Random, seeded, seedOf } from './random.ts';

const DAY_MS = 86_400_000;
const DAYS = 90;
const SEED = 2;

/** Event names with the share of users who ever do it in the 90 days, and how often those do at most. */
export const EVENT_KINDS = {
  'Logged In': { share: 0.62, most: 9 },
  'Email Opened': { share: 0.55, most: 5 },
  'Email Clicked': { share: 0.24, most: 3 },
  Purchase: { share: 0.17, most: 4 },
  'Trial Started': { share: 0.05, most: 1 },
} as const;
export type EventKind = keyof typeof EVENT_KINDS;
export const EVENT_NAMES = Object.keys(EVENT_KINDS) as EventKind[];

const ITEMS = ['mug', 'poster', 'hoodie', 'sticker', 'notebook'];

const propertiesOf = (kind: EventKind, random: Random): Record<string, unknown> => {
  if (kind === 'Purchase')
    return { item: pick(random, ITEMS), amount: Math.round((5 + random() ** 2 * 240) * 100) / 100 };
  if (kind === 'Logged In') return { device: random() < 0.6 ? 'phone' : 'desktop' };
  if (kind === 'Trial Started') return {};
  return { campaign: `newsletter-${integer(random, 1, 12)}` };
};

/** All events of one kind of the n-th user, spread over the 90 days before `today` with more of them lately. */
export const eventsOf = function* (kind: EventKind, n: number, today: number): Generator<Record<string, unknown>> {
  const random = seeded(seedOf(SEED + EVENT_NAMES.indexOf(kind), n));
  const { share, most } = EVENT_KINDS[kind];
  if (random() >= share) return;
  const times = integer(random, 1, most);
  for (let i = 0; i < times; i++) {
    const time = new Date(today - Math.floor(random() ** 1.4 * DAYS * DAY_MS)).toISOString();
    yield { userId: `u${String(n).padStart(6, '0')}`, time, ...propertiesOf(kind, random) };
  }
};
