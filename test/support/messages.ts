import fc from 'fast-check';
import { type EventData, events, type Json, PROPERTIES, type Traits, traits } from './arbitraries.ts';

/** What a caller of the ingestion API or of `/v1/users` does, as data. */
export type Write =
  | { readonly kind: 'messages'; readonly messages: readonly object[] }
  | { readonly kind: 'replace'; readonly userId: string; readonly properties: Traits }
  | { readonly kind: 'merge'; readonly userId: string; readonly properties: Traits }
  | { readonly kind: 'erase'; readonly userId: string }
  | ListWrite;
export interface ListWrite {
  readonly kind: 'list';
  readonly segment: string;
  readonly role: 'users' | 'include' | 'exclude';
  readonly mode: 'replace' | 'add' | 'remove';
  readonly ids: readonly string[];
}

const ODD_IDS = ['ü😀', 'e\u0301', 'é', ' ', "o'brien", '%', '\\', '__proto__', '0', '00', 'x'.repeat(255)];

/** The i-th user's id: some are odd. */
export const userId = (i: number): string => ODD_IDS[i] ?? `user-${i}`;

const track = (id: string, event: EventData): object => ({ type: 'track', userId: id, ...event });

const fewOrMany = (nowMs: number) =>
  fc.oneof({ weight: 5, arbitrary: events(nowMs) }, { weight: 1, arbitrary: events(nowMs, 30) });

/** First writes: each user identified once, most with events. */
export const firstWrites = (users: number, nowMs: number, tame: boolean): fc.Arbitrary<Write[]> =>
  fc.array(fc.tuple(traits(nowMs, tame), fewOrMany(nowMs)), { minLength: users, maxLength: users }).map((people) =>
    people.map(([properties, happened], i) => ({
      kind: 'messages' as const,
      messages: [
        { type: 'identify', userId: userId(i), traits: properties },
        ...happened.map((event) => track(userId(i), event)),
      ],
    })),
  );

/** A removal: null under some of the properties. */
const removals: fc.Arbitrary<Traits> = fc.subarray([...PROPERTIES], { minLength: 1, maxLength: 6 }).map((paths) => {
  const result: Traits = Object.create(null);
  for (const path of paths) if (!path.includes('.')) result[path] = null;
  return result;
});

/** Later writes to users below `users`, and now and then to new ones. */
export const laterWrites = (users: number, count: number, nowMs: number): fc.Arbitrary<Write[]> => {
  const someone = fc.nat({ max: users + 5 }).map(userId);
  const wild = traits(nowMs, false, 0.7);
  const merged = fc.oneof({ weight: 3, arbitrary: wild }, { weight: 1, arbitrary: removals });
  const one: fc.Arbitrary<Write> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(someone, merged).map(
        ([id, properties]): Write => ({
          kind: 'messages',
          messages: [{ type: 'identify', userId: id, traits: properties }],
        }),
      ),
    },
    {
      weight: 4,
      arbitrary: fc.tuple(someone, events(nowMs)).map(
        ([id, happened]): Write => ({
          kind: 'messages',
          messages: happened.map((event) => track(id, event)),
        }),
      ),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(someone, wild)
        .map(([id, properties]): Write => ({ kind: 'replace', userId: id, properties })),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(someone, merged)
        .map(([id, properties]): Write => ({ kind: 'merge', userId: id, properties })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(someone, fc.constantFrom<Json>('pro', 5, null)).map(
        ([id, plan]): Write => ({
          kind: 'messages',
          messages: [
            { type: 'group', userId: id, groupId: 'acme', traits: { plan } },
            { type: 'page', userId: id, name: 'Home', messageId: `page-${id.slice(0, 64)}` },
          ],
        }),
      ),
    },
  );
  return fc.array(one, { minLength: count, maxLength: count });
};

/** Erasures and aliases. */
export const departures = (users: number, count: number): fc.Arbitrary<Write[]> => {
  const someone = fc.nat({ max: users - 1 }).map(userId);
  return fc.array(
    fc.oneof(
      someone.map((id): Write => ({ kind: 'erase', userId: id })),
      fc
        .uniqueArray(someone, { minLength: 2, maxLength: 2 })
        .map(
          ([previousId, id]): Write => ({ kind: 'messages', messages: [{ type: 'alias', previousId, userId: id }] }),
        ),
    ),
    { minLength: count, maxLength: count },
  );
};

/** Segments with lists: none of them has any before it is written. */
export const LISTED_SEGMENTS = {
  listed: null,
  overridden: { type: 'property', property: 'plan', operator: 'is_set' },
  'overridden twice': { type: 'not', of: { type: 'segment', segment: 'overridden' } },
} as const;

/** Changes of their lists, by ids of users below `users`, of some who may come later and of others who never do. */
export const listWrites = (users: number, count: number, ids = 40): fc.Arbitrary<ListWrite[]> => {
  const role = fc.constantFrom('include', 'exclude');
  const target = fc.oneof(
    fc.constant({ segment: 'listed', role: 'users' } as const),
    role.map((each) => ({ segment: 'overridden', role: each }) as const),
    role.map((each) => ({ segment: 'overridden twice', role: each }) as const),
  );
  const id = fc.nat({ max: users + 10 }).map(userId);
  return fc.array(
    fc
      .tuple(target, fc.constantFrom('replace', 'add', 'add', 'remove'), fc.array(id, { maxLength: ids }))
      .map(([on, mode, each]): ListWrite => ({ kind: 'list', ...on, mode, ids: each })),
    { minLength: count, maxLength: count },
  );
};
