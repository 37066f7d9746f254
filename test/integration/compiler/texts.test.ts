import type pg from 'pg';
import { compile } from '../../../src/compiler/compile.ts';
import { leafStatement } from '../../../src/compiler/statements.ts';
import type { TextMatch } from '../../../src/conditions/types.ts';
import { references } from '../../../src/conditions/references.ts';
import { parseSentBits, offsetsOf } from '../../../src/index/bitmap.ts';
import { ensureProperties, loadCatalogue } from '../../../src/index/catalogue.ts';
import { foldWorkspace } from '../../../src/index/fold.ts';
import { ordinalAt, shardOf } from '../../../src/index/layout.ts';
import { notePending } from '../../../src/index/pending.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace } from '../../support/workspace.ts';
import { matchesText } from './small-index.ts';

/** Text operators on a property that is different for nearly everybody, beside what JavaScript says of the same texts. */

/** More places in a chunk than are counted one by one. */
const MANY = 3_500;

let database: TestDatabase;
let client: pg.PoolClient;
let workspaceId: number;
const texts = new Map<number, string>();

beforeAll(async () => {
  database = await createTestDatabase();
  client = await database.pool.connect();
  workspaceId = await createWorkspace(database.pool, 'texts');
  const special = [
    '',
    'aa',
    'aaa',
    'Straße 7@no.',
    'ΣΊΣΥΦΟΣ',
    'x\u0001user',
    'long user '.repeat(40),
    'user',
    '@no.@no.',
    '😀x@NO.',
  ];
  for (const [i, text] of special.entries()) texts.set(1 + i * 63, text);
  texts.set(31_999, 'last@no.');
  // a chunk whose first parts are nobody's
  texts.set(32_000 + 10_000, 'other@no.');
  for (let i = 0; i < MANY; i++)
    if (!texts.has(1_000 + i)) texts.set(1_000 + i, `user${i}@${i % 7 === 0 ? 'no' : 'se'}.`);
  await writeUsers();
});
afterAll(async () => {
  client?.release();
  await database.drop();
});

const writeUsers = async (): Promise<void> => {
  // one of ten thousand has none, and one a number
  const rows = [...texts].map(([ordinal, text]) => ({ ordinal, properties: { name: text } as object }));
  rows.push({ ordinal: 20_000, properties: {} }, { ordinal: 20_001, properties: { name: 7 } });
  await client.query(
    `insert into users (shard, ordinal, external_id, properties)
     select $1::bigint * 1048576 + ordinal / 32000, ordinal, 'u' || ordinal, properties
     from jsonb_to_recordset($2::jsonb) as u (ordinal integer, properties jsonb)`,
    [workspaceId, JSON.stringify(rows)],
  );
  await client.query('update workspaces set next_ordinal = 64000 where id = $1', [workspaceId]);
  const ids = await ensureProperties(client, workspaceId, ['', 'name']);
  const name = ids.get('name') as number;
  await client.query(
    `insert into columns (workspace_id, property_id, type, overflowed, scale) values ($1, $2, 'text', true, -1)`,
    [workspaceId, name],
  );
  const shards = [0, 32_000].map((ordinal) => shardOf(workspaceId, ordinal));
  await notePending(client, {
    properties: shards.flatMap((shard) => [...ids.values()].map((propertyId) => ({ shard, propertyId, ordinal: -1 }))),
  });
  await foldWorkspace(client, workspaceId);
};

const found = async (
  leaf: TextMatch,
): Promise<{ readonly ordinals: number[]; readonly source: string | undefined }> => {
  const catalogue = await loadCatalogue(client, workspaceId, references(leaf));
  const membership = compile(leaf, catalogue, Date.now());
  const { rows } = await client.query<{ shard: number; bits: Buffer }>(leafStatement(membership, catalogue.shards));
  const ordinals = rows.flatMap(({ shard, bits }) =>
    [...offsetsOf(parseSentBits(bits))].map((offset) => ordinalAt(shard, offset)),
  );
  return { ordinals: ordinals.sort((a, b) => a - b), source: membership.leaves[0]?.source };
};

const leaves: [operator: TextMatch['operator'], value: string, ignoreCase?: boolean][] = [
  ['contains', '@no.'],
  ['contains', 'user'],
  ['contains', 'user1'],
  ['contains', 'aa'],
  ['contains', '\u0001'],
  ['contains', 'nobody'],
  ['contains', '@NO.', true],
  ['contains', 'σ', true],
  ['contains', 'STRASSE', true],
  ['starts_with', 'user'],
  ['starts_with', 'user12'],
  ['starts_with', 'a'],
  ['starts_with', 'USER12', true],
  ['ends_with', '@no.'],
  ['ends_with', '3@se.'],
  ['ends_with', 'a'],
  ['ends_with', '@No.', true],
  ['matches', '^$'],
  ['matches', 'user[0-9]$'],
  ['matches', '7@NO', true],
];

test.each(leaves.map(([operator, value, ignoreCase = false]) => ({ operator, value, ignoreCase })))(
  '$operator $value',
  async (each) => {
    const leaf: TextMatch = { type: 'property', property: 'name', ...each };
    const wanted = [...texts].filter(([, text]) => matchesText(leaf, text)).map(([ordinal]) => ordinal);
    expect(await found(leaf)).toEqual({ ordinals: wanted.sort((a, b) => a - b), source: 'texts' });
  },
);
