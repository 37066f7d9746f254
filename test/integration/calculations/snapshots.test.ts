import { randomUUID } from 'node:crypto';
import { removeExpired } from '../../../src/calculations/retention.ts';
import { Snapshots } from '../../../src/calculations/snapshots.ts';
import { formatId } from '../../../src/core/ids.ts';
import { silentLog } from '../../../src/core/log.ts';
import { CHUNK_BITS, shardOf } from '../../../src/index/layout.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace, defineSegment } from '../../support/workspace.ts';

/** Reading what is stored: snapshots are made here by hand, so that every bit of them is known. */

let database: TestDatabase;
let workspaceId: number;
let snapshots: Snapshots;

beforeAll(async () => {
  database = await createTestDatabase();
  snapshots = new Snapshots({ pool: database.pool, log: silentLog });
});
afterAll(() => database.drop());
beforeEach(async () => {
  workspaceId = await createWorkspace(database.pool, randomUUID());
  await defineSegment(database.pool, workspaceId, 'a', { type: 'all', of: [] });
  await defineSegment(database.pool, workspaceId, 'b', { type: 'all', of: [] });
});

const addUsers = async (ordinals: readonly number[], properties: object = {}): Promise<void> => {
  await database.pool.query(
    `insert into users (shard, ordinal, external_id, properties)
     select s, o, 'u' || o, $3 from unnest($1::bigint[], $2::integer[]) as u (s, o) on conflict do nothing`,
    [ordinals.map((ordinal) => shardOf(workspaceId, ordinal)), ordinals, properties],
  );
};

const addSnapshot = async (key: string, ordinals: readonly number[]): Promise<number> => {
  const { rows } = await database.pool.query<{ id: number }>(
    `insert into snapshots (workspace_id, segment_id, segment_version, as_of, population, members)
     select workspace_id, id, version, '2026-01-01T00:00:00.123Z', 100000, $3 from segments
     where workspace_id = $1 and key = $2 returning id`,
    [workspaceId, key, ordinals.length],
  );
  const id = rows[0]?.id ?? 0;
  const byShard = groupByShard(ordinals);
  for (const [shard, members] of byShard) {
    const bits = Array(CHUNK_BITS).fill('0');
    for (const ordinal of members) bits[ordinal % CHUNK_BITS] = '1';
    await database.pool.query('insert into snapshot_chunks values ($1, $2, $3::bit(32000))', [
      shard,
      id,
      bits.join(''),
    ]);
  }
  return id;
};
const groupByShard = (ordinals: readonly number[]): Map<number, number[]> => {
  const groups = new Map<number, number[]>();
  for (const ordinal of ordinals) {
    const shard = shardOf(workspaceId, ordinal);
    groups.set(shard, [...(groups.get(shard) ?? []), ordinal]);
  }
  return groups;
};

const range = (length: number, of: (i: number) => number): number[] => Array.from({ length }, (_, i) => of(i));
const ids = (ordinals: readonly number[]): { userId: string }[] =>
  ordinals.map((ordinal) => ({ userId: `u${ordinal}` }));
const collect = async <T>(rows: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
};
const pagesOf = async <P extends { nextCursor: string | null }>(
  read: (cursor?: string) => Promise<P>,
): Promise<P[]> => {
  const pages = [await read()];
  for (let cursor = pages.at(-1)?.nextCursor; typeof cursor === 'string'; cursor = pages.at(-1)?.nextCursor)
    pages.push(await read(cursor));
  return pages;
};

// Both ends of chunks, a chunk without anybody, and more chunks than are read at once.
const SCATTERED = [0, 1, 31_999, 32_000, 95_999, 96_000, ...range(20, (i) => 200_000 + i * 40_000)];

test.each([1, 2, 3, 7, 25, 26, 27, 10_000])('pages of %i give every member once, in order', async (limit) => {
  await addUsers(SCATTERED);
  const id = formatId('snapshot', await addSnapshot('a', SCATTERED));
  const pages = await pagesOf((cursor) => snapshots.members(workspaceId, id, { limit, ...(cursor && { cursor }) }));
  expect(pages.flatMap(({ members }) => members)).toEqual(ids(SCATTERED));
  expect(pages).toHaveLength(Math.ceil(SCATTERED.length / limit));
  expect(pages[0]).toMatchObject({ snapshot: id, asOf: '2026-01-01T00:00:00.123Z' });
});

test('a page of a segment is of its latest snapshot, and its cursor stays with that one', async () => {
  await addUsers(SCATTERED);
  await expect(snapshots.membersOfSegment(workspaceId, 'a')).rejects.toMatchObject({ status: 404 });
  await addSnapshot('a', [5]);
  const id = await addSnapshot('a', SCATTERED);
  const first = await snapshots.membersOfSegment(workspaceId, 'a', { limit: 10 });
  await addSnapshot('a', [1]);
  const second = await snapshots.membersOfSegment(workspaceId, 'a', { limit: 100, cursor: first.nextCursor ?? '' });
  expect(second.snapshot).toBe(formatId('snapshot', id));
  expect([...first.members, ...second.members]).toEqual(ids(SCATTERED));
  expect((await snapshots.membersOfSegment(workspaceId, 'a')).members).toEqual(ids([1]));
});

test('a cursor of another snapshot, segment, workspace or of nobody is refused', async () => {
  await addUsers(SCATTERED);
  const one = formatId('snapshot', await addSnapshot('a', SCATTERED));
  const other = formatId('snapshot', await addSnapshot('a', SCATTERED));
  const cursor = (await snapshots.members(workspaceId, one, { limit: 1 })).nextCursor ?? '';
  const refused = expect.objectContaining({ status: 422, path: 'cursor' });
  await expect(snapshots.members(workspaceId, other, { cursor })).rejects.toEqual(refused);
  await expect(snapshots.membersOfSegment(workspaceId, 'b', { cursor })).rejects.toEqual(refused);
  await expect(snapshots.members(workspaceId, one, { cursor: 'x' })).rejects.toEqual(refused);
  const stranger = await createWorkspace(database.pool, randomUUID());
  await defineSegment(database.pool, stranger, 'a', { type: 'all', of: [] });
  await expect(snapshots.membersOfSegment(stranger, 'a', { cursor })).rejects.toEqual(refused);
  await expect(snapshots.members(stranger, one)).rejects.toMatchObject({ status: 404 });
  for (const limit of [0, 10_001, 1.5])
    await expect(snapshots.members(workspaceId, one, { limit })).rejects.toMatchObject({ status: 422, path: 'limit' });
});

test('all members stream with the properties that were asked for', async () => {
  const ordinals = range(5_000, (i) => i * 13);
  await addUsers(ordinals, { plan: 'pro', address: { city: 'Zürich' }, 'a,b': 1 });
  const id = formatId('snapshot', await addSnapshot('a', ordinals));
  expect(await collect(snapshots.stream(workspaceId, id))).toEqual(ids(ordinals));
  const rows = await collect(
    snapshots.stream(workspaceId, id, { properties: ['plan', 'address.city', 'a,b', 'none'] }),
  );
  expect(rows).toHaveLength(5_000);
  expect(rows[4_999]).toEqual({
    userId: `u${4_999 * 13}`,
    properties: { plan: 'pro', 'address.city': 'Zürich', 'a,b': 1, none: null },
  });
  for (const property of ['', 'a..b', 'a\0b'])
    await expect(collect(snapshots.stream(workspaceId, id, { properties: [property] }))).rejects.toMatchObject({
      status: 422,
    });
});

test('a snapshot of nobody has one empty page', async () => {
  const id = formatId('snapshot', await addSnapshot('a', []));
  expect(await snapshots.members(workspaceId, id)).toMatchObject({ members: [], nextCursor: null });
  expect(await collect(snapshots.stream(workspaceId, id))).toEqual([]);
});

test('an erased user is in no page, and the others are', async () => {
  await addUsers([1, 3]);
  const id = formatId('snapshot', await addSnapshot('a', [1, 2, 3]));
  expect((await snapshots.members(workspaceId, id)).members).toEqual(ids([1, 3]));
});

test('changes: who entered and who left, page by page and as a stream', async () => {
  const before = [...range(100, (i) => i * 700), 500_000];
  const now = [...range(100, (i) => i * 1_050), 31_999, 700_000];
  await addUsers([...before, ...now]);
  const since = formatId('snapshot', await addSnapshot('a', before));
  const id = formatId('snapshot', await addSnapshot('a', now));
  const sorted = (ordinals: number[]) => ids(ordinals.sort((one, other) => one - other));
  const entered = sorted(now.filter((ordinal) => !before.includes(ordinal)));
  const left = sorted(before.filter((ordinal) => !now.includes(ordinal)));
  const pages = await pagesOf((cursor) =>
    snapshots.changes(workspaceId, id, since, { limit: 9, ...(cursor && { cursor }) }),
  );
  expect(pages.flatMap((page) => page.entered)).toEqual(entered);
  expect(pages.flatMap((page) => page.left)).toEqual(left);
  const stream = await collect(snapshots.streamChanges(workspaceId, id, since));
  expect(stream.filter(({ change }) => change === 'entered').map(({ userId }) => ({ userId }))).toEqual(entered);
  expect(stream.filter(({ change }) => change === 'left').map(({ userId }) => ({ userId }))).toEqual(left);
  expect(await snapshots.changes(workspaceId, id, id)).toMatchObject({ entered: [], left: [], nextCursor: null });
  const cursor = pages[0]?.nextCursor ?? '';
  await expect(snapshots.changes(workspaceId, since, id, { cursor })).rejects.toMatchObject({ status: 422 });
});

test('snapshots of different segments cannot be compared', async () => {
  const one = formatId('snapshot', await addSnapshot('a', []));
  const other = formatId('snapshot', await addSnapshot('b', []));
  await expect(snapshots.changes(workspaceId, one, other)).rejects.toMatchObject({ status: 422, path: 'since' });
  await expect(snapshots.changes(workspaceId, one, 'snp_999999999')).rejects.toMatchObject({ status: 404 });
  await expect(snapshots.changes(workspaceId, one, 'clc_1')).rejects.toMatchObject({ status: 422 });
});

test('snapshots of a segment are listed newest first', async () => {
  const made = [];
  for (let i = 0; i < 5; i += 1) made.unshift(formatId('snapshot', await addSnapshot('a', [i])));
  await addSnapshot('b', []);
  const pages = await pagesOf((cursor) => snapshots.list(workspaceId, 'a', { limit: 2, ...(cursor && { cursor }) }));
  expect(pages.flatMap((page) => page.snapshots.map(({ id }) => id))).toEqual(made);
  expect(await snapshots.latest(workspaceId, 'a')).toMatchObject({
    id: made[0],
    segment: 'a',
    members: 1,
    pinned: false,
  });
  await expect(snapshots.list(workspaceId, 'nobody')).rejects.toMatchObject({ status: 404 });
});

test('retention removes what is old, unread, unpinned and not among the newest', async () => {
  await database.pool.query('truncate snapshots, snapshot_chunks');
  const made: number[] = [];
  for (let i = 0; i < 30; i += 1) made.push(await addSnapshot('a', [i]));
  const [pinned, read, young] = made as [number, number, number];
  await database.pool.query(`update snapshots set created_at = now() - interval '2 hours' where id <> $1`, [young]);
  await database.pool.query('update snapshots set pinned = true where id = $1', [pinned]);
  await addUsers([1]);
  await snapshots.members(workspaceId, formatId('snapshot', read));
  for (let tries = 0; tries < 100; tries += 1) {
    const { rows } = await database.pool.query('select from snapshots where id = $1 and read_at is not null', [read]);
    if (rows.length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const policy = { keepMs: 3_600_000, keepReadMs: 600_000, keep: 5 };
  expect(await removeExpired(database.pool, policy)).toBe(22);
  const kept = async (): Promise<number[]> =>
    (await database.pool.query<{ id: number }>('select id from snapshots order by id')).rows.map(({ id }) => id);
  expect(await kept()).toEqual([pinned, read, young, ...made.slice(-5)]);
  const { rows } = await database.pool.query('select distinct snapshot_id from snapshot_chunks order by 1');
  expect(rows.map((row) => row.snapshot_id)).toEqual(await kept());
  await snapshots.release(workspaceId, formatId('snapshot', pinned));
  expect(await removeExpired(database.pool, policy)).toBe(1);
});

test('a reader whose snapshot goes is told so: never a list that is silently short', async () => {
  const ordinals = range(30, (i) => i * 32_000);
  await addUsers(ordinals);
  const id = await addSnapshot('a', ordinals);
  const rows = snapshots.stream(workspaceId, formatId('snapshot', id))[Symbol.asyncIterator]();
  await rows.next();
  await database.pool.query('delete from snapshot_chunks where snapshot_id = $1', [id]);
  await database.pool.query('delete from snapshots where id = $1', [id]);
  await expect(
    (async () => {
      while (!(await rows.next()).done);
    })(),
  ).rejects.toMatchObject({ status: 410, code: 'gone' });
});
