import { transaction } from '../../../src/database/transaction.ts';
import { ensureProperties, loadCatalogue, MAX_MATCHED_CODES } from '../../../src/index/catalogue.ts';
import { MAX_ARRAY_CODES, MAX_TEXT_CODES, MIN_HASHED_CODES } from '../../../src/index/dictionary.ts';
import { eraseFromIndex, sweepDictionary } from '../../../src/index/erase.ts';
import { foldWorkspace, withFoldLock } from '../../../src/index/fold.ts';
import { textHash } from '../../../src/index/codes.ts';
import { shardOf } from '../../../src/index/layout.ts';
import { notePending } from '../../../src/index/pending.ts';
import { rebuild } from '../../../src/index/rebuild.ts';
import { references, textMatchKey } from '../../../src/conditions/references.ts';
import type { TextMatch } from '../../../src/conditions/types.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { decode } from './decode.ts';
import { IndexWorld } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const withClient = async <T>(work: (client: Parameters<typeof foldWorkspace>[0]) => Promise<T>): Promise<T> => {
  const client = await database.pool.connect();
  return work(client).finally(() => client.release());
};
const folding = (workspaceId: number) => withClient((client) => foldWorkspace(client, workspaceId));

const textsOf = async (workspaceId: number): Promise<string[]> => {
  const { rows } = await database.pool.query<{ value: string }>(
    'select value from dictionary d join columns c on c.id = d.column_id where c.workspace_id = $1 order by value collate "C"',
    [workspaceId],
  );
  return rows.map(({ value }) => value);
};

test('values that only an erased user had leave the dictionary, and what stays is still found', async () => {
  const world = await IndexWorld.open(database.pool, 'sweep');
  await world.write(0, { name: 'Ann', tags: ['x', 'shared'] });
  await world.write(1, { name: 'Bob', tags: ['y', 'shared', 5] });
  await world.write(40_000, { name: 'Cid' });
  await folding(world.workspaceId);
  expect(await textsOf(world.workspaceId)).toEqual(['"shared"', '"x"', '"y"', '5', 'Ann', 'Bob', 'Cid']);
  await withClient(async (client) => {
    await withFoldLock(client, world.workspaceId, () =>
      transaction(client, async () => {
        const shard = shardOf(world.workspaceId, 1);
        await client.query('delete from users where shard = $1 and ordinal = 1', [shard]);
        await eraseFromIndex(client, shard, 1);
      }),
    );
    expect(await sweepDictionary(client, world.workspaceId)).toBe(3);
    expect(await sweepDictionary(client, world.workspaceId)).toBe(0);
  });
  expect(await textsOf(world.workspaceId)).toEqual(['"shared"', '"x"', 'Ann', 'Cid']);
  await world.write(2, { name: 'Bob' });
  await folding(world.workspaceId);
  expect(await decode(world.pool, world.workspaceId)).toEqual(await world.expected());
});

test('a property with too many values is given up as a whole, and stays given up', async () => {
  const world = await IndexWorld.open(database.pool, 'overflow');
  const many = Array.from({ length: MAX_ARRAY_CODES }, (_, i) => i);
  await world.write(0, { tags: many, name: 'a', since: '2024-01-01' });
  await folding(world.workspaceId);
  expect(await decode(world.pool, world.workspaceId)).toEqual(await world.expected());
  expect(await textsOf(world.workspaceId)).toHaveLength(MAX_ARRAY_CODES + 2);
  await database.pool.query(`update columns set next_code = $2 where workspace_id = $1 and type = 'text'`, [
    world.workspaceId,
    MAX_TEXT_CODES,
  ]);
  await world.write(40_000, { tags: ['one more'], name: 'b' });
  await folding(world.workspaceId);
  const overflowed = async () =>
    (
      await database.pool.query<{ path: string; type: string }>(
        `select p.path, c.type from columns c join properties p on p.id = c.property_id
         where c.workspace_id = $1 and c.overflowed order by 1, 2`,
        [world.workspaceId],
      )
    ).rows;
  const both = [
    { path: 'name', type: 'text' },
    { path: 'tags', type: 'array' },
  ];
  expect(await overflowed()).toEqual(both);
  await withClient((client) => rebuild(client, world.workspaceId));
  expect(await overflowed()).toEqual(both);
  expect(await textsOf(world.workspaceId)).toEqual(['2024-01-01']);
  const known = new Map(
    [...hashed(await world.expected(), 'name')].map(([key, fact]) => [
      key,
      key.startsWith('tags') ? fact.replace(/element .*(?=set)/, '') : fact,
    ]),
  );
  expect(await decode(world.pool, world.workspaceId)).toEqual(known);
});

/** The same facts, of a property whose texts are hashed. */
const hashed = (facts: ReadonlyMap<string, string>, path: string): Map<string, string> =>
  new Map(
    [...facts].map(([key, fact]) => {
      const parts = fact.split('; ').map((part) => {
        const text = /^text (.*)$/.exec(part)?.[1];
        return key.startsWith(`${path} `) && text ? `hash ${textHash(JSON.parse(text) as string)}` : part;
      });
      return [key, parts.sort().join('; ')];
    }),
  );

const fillChunk = async (world: IndexWorld, first: number, count: number, name: string): Promise<void> => {
  const { pool, workspaceId } = world;
  await pool.query('update workspaces set next_ordinal = greatest(next_ordinal, $2) where id = $1', [
    workspaceId,
    first + count,
  ]);
  await pool.query(
    `insert into users (shard, ordinal, external_id, properties)
     select $1::bigint * 1048576 + o / 32000, o, 'u' || o, jsonb_build_object('name', ${name})
     from generate_series($2::int, $3::int) o`,
    [workspaceId, first, first + count - 1],
  );
  const ids = await ensureProperties(pool, workspaceId, ['', 'name']);
  const shard = shardOf(workspaceId, first);
  await notePending(pool, {
    properties: [...ids.values()].map((propertyId) => ({ shard, propertyId, ordinal: -1 })),
  });
};

test('a property that nearly everybody has another text of is hashed, in every shard', async () => {
  const world = await IndexWorld.open(database.pool, 'hashed');
  await world.write(0, { name: 'same', since: '2024-01-01' });
  await world.write(1, { name: 'same' });
  await folding(world.workspaceId);
  await fillChunk(world, 32_000, MIN_HASHED_CODES + 3_000, `case when o % 100 = 0 then 'same' else 'name ' || o end`);
  await folding(world.workspaceId);
  expect(await textsOf(world.workspaceId)).toEqual(['2024-01-01']);
  await world.write(32_007, { name: 'another' });
  await world.write(32_008, { name: 5 });
  await world.write(32_009, { name: '' });
  await world.write(32_010, { name: 'long '.repeat(60) });
  await world.write(32_011, { name: 'a\u0001b' });
  await world.write(32_012, null);
  await folding(world.workspaceId);
  expect(await decode(world.pool, world.workspaceId)).toEqual(hashed(await world.expected(), 'name'));
  await withClient((client) => rebuild(client, world.workspaceId));
  expect(await decode(world.pool, world.workspaceId)).toEqual(hashed(await world.expected(), 'name'));
  await withClient((client) => sweepDictionary(client, world.workspaceId));
  expect(await textsOf(world.workspaceId)).toEqual(['2024-01-01']);
}, 120_000);

test('a property of many texts that come again and again keeps its dictionary', async () => {
  const world = await IndexWorld.open(database.pool, 'many texts');
  await fillChunk(world, 0, MIN_HASHED_CODES * 2 + 100, `'name ' || o / 2`);
  await folding(world.workspaceId);
  expect(await textsOf(world.workspaceId)).toHaveLength(MIN_HASHED_CODES + 50);
  expect(await decode(world.pool, world.workspaceId)).toEqual(await world.expected());
}, 120_000);

const match = (operator: TextMatch['operator'], value: string, ignoreCase = false): TextMatch => ({
  type: 'property',
  property: 'name',
  operator,
  value,
  ignoreCase,
});

test('the catalogue of a condition: columns, codes, and the texts that an operator matches', async () => {
  const world = await IndexWorld.open(database.pool, 'catalogue');
  const names = ['100%', '100_', 'a\\b', 'pro', 'apron', 'Pro', '', 'naïve 😀', '😀', 'ab', '%'];
  for (const [i, name] of names.entries()) await world.write(i, { name, n: i / 4 - 1 });
  await world.track(3, [{ name: 'purchase', ms: Date.UTC(2026, 0, 1) }]);
  await folding(world.workspaceId);
  const leaves = [
    match('contains', 'pro'),
    match('not_contains', '%'),
    match('contains', '_'),
    match('contains', '\\'),
    match('starts_with', '100'),
    match('ends_with', '%'),
    match('ends_with', '_'),
    match('ends_with', '\\b'),
    match('ends_with', '😀'),
    match('contains', ''),
    match('contains', 'PRO', true),
    match('starts_with', '100%', true),
    match('ends_with', '_', true),
    match('matches', '^a.+n$'),
    match('matches', '^PRO$', true),
  ];
  const catalogue = await loadCatalogue(
    world.pool,
    world.workspaceId,
    references({
      type: 'all',
      of: [
        ...leaves,
        { type: 'property', property: 'name', operator: 'in', value: ['pro', 'nobody', "it's"] },
        { type: 'property', property: 'n', operator: 'at_least', value: 1 },
        { type: 'property', property: 'missing', operator: 'is_set' },
        { type: 'event', event: 'purchase', count: { low: 1, high: null }, within: {} },
        { type: 'event', event: 'never', count: { low: 1, high: null }, within: {} },
      ],
    }),
  );
  const name = catalogue.properties.get('name')?.text;
  const number = catalogue.properties.get('n')?.number;
  expect(number).toMatchObject({ scale: 2, hasNegative: true, width: 8 });
  expect([...catalogue.properties.keys()].sort()).toEqual(['n', 'name']);
  // and who exists
  expect(catalogue.propertyIds).toHaveLength(3);
  expect([...catalogue.events.keys()]).toEqual(['purchase']);
  expect(catalogue.eventIds).toEqual([...catalogue.events.values()]);
  expect([...(catalogue.codes.get(name?.id ?? 0)?.keys() ?? [])]).toEqual(['pro']);
  const { rows } = await world.pool.query<{ code: number; value: string }>(
    'select code, value from dictionary where column_id = $1',
    [name?.id],
  );
  const tests = {
    matches: (text: string, part: string) => new RegExp(part).test(text),
    contains: (text: string, part: string) => text.includes(part),
    not_contains: (text: string, part: string) => text.includes(part),
    starts_with: (text: string, part: string) => text.startsWith(part),
    ends_with: (text: string, part: string) => text.endsWith(part),
  };
  for (const leaf of leaves) {
    const fold = (text: string): string => (leaf.ignoreCase ? text.toLowerCase() : text);
    const codes = catalogue.textMatches.get(textMatchKey(leaf)) ?? [];
    const matched = rows.filter(({ code }) => codes.includes(code)).map(({ value }) => value);
    expect([leaf.value, matched.sort()]).toEqual([
      leaf.value,
      names.filter((text) => tests[leaf.operator](fold(text), fold(leaf.value))).sort(),
    ]);
  }
});

test('an operator that matches too many texts is left to the rows', async () => {
  const world = await IndexWorld.open(database.pool, 'matches');
  await world.write(0, { name: 'first' });
  await folding(world.workspaceId);
  await world.pool.query(
    `insert into dictionary (column_id, digest, code, value)
     select c.id, gen_random_uuid(), code, 'same ' || code from columns c, generate_series(1, $2::int) as code
     where c.workspace_id = $1 and c.type = 'text'`,
    [world.workspaceId, MAX_MATCHED_CODES + 1],
  );
  const few = match('ends_with', `same ${MAX_MATCHED_CODES}`);
  const many = match('starts_with', 'same');
  const catalogue = await loadCatalogue(world.pool, world.workspaceId, references({ type: 'any', of: [few, many] }));
  expect(catalogue.textMatches.get(textMatchKey(few))).toHaveLength(1);
  expect(catalogue.textMatches.has(textMatchKey(many))).toBe(false);
});
