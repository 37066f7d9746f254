import { randomUUID } from 'node:crypto';
import { MAX_SEGMENTS } from '../../../src/calculations/limits.ts';
import { Segments } from '../../../src/calculations/segments.ts';
import { type Signal, Signals } from '../../../src/calculations/signals.ts';
import { silentLog } from '../../../src/core/log.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace } from '../../support/workspace.ts';

const IS_SET = { type: 'property', property: 'plan', operator: 'is_set' };
const reference = (segment: string) => ({ type: 'segment', segment });
const either = (...of: unknown[]) => ({ type: 'any', of });

let database: TestDatabase;
let workspaceId: number;
let segments: Segments;
const heard: Signal[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const signals = new Signals({ url: database.url, pool: database.pool, origin: randomUUID(), log: silentLog });
  signals.listen((signal) => heard.push(signal));
  segments = new Segments({ pool: database.pool, signals });
});
afterAll(() => database.drop());
beforeEach(async () => {
  workspaceId = await createWorkspace(database.pool, randomUUID());
  heard.length = 0;
});

const create = (key: string, condition: unknown) => segments.create(workspaceId, { key, name: key, condition });

test('a segment is created, read, listed page by page, changed and deleted', async () => {
  const created = await segments.create(workspaceId, { name: 'Paying users', description: 'pay', condition: IS_SET });
  expect(created).toEqual({
    key: 'paying-users',
    name: 'Paying users',
    description: 'pay',
    type: 'dynamic',
    condition: IS_SET,
    lists: {},
    version: 1,
    conditionKinds: ['property.is_set'],
    createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
    updatedAt: expect.any(String),
    refresh: null,
    nextRefreshAt: null,
    refreshed: null,
    lastError: null,
    prediction: null,
    latestSnapshot: null,
  });
  expect(await segments.get(workspaceId, 'paying-users')).toEqual(created);
  await create('a', IS_SET);
  await create('b', IS_SET);
  const first = await segments.list(workspaceId, { limit: 2 });
  expect(first.segments.map(({ key }) => key)).toEqual(['a', 'b']);
  const second = await segments.list(workspaceId, { limit: 2, cursor: first.nextCursor ?? '' });
  expect(second).toMatchObject({ segments: [{ key: 'paying-users' }], nextCursor: null });
  expect(await segments.update(workspaceId, 'a', { name: 'A', description: null })).toMatchObject({
    name: 'A',
    version: 1,
  });
  await segments.delete(workspaceId, 'a');
  await expect(segments.get(workspaceId, 'a')).rejects.toMatchObject({ status: 404 });
});

test('keys are made from names, and are unique in a workspace alone', async () => {
  const keys = [];
  for (let i = 0; i < 3; i += 1)
    keys.push((await segments.create(workspaceId, { name: 'VIP', condition: IS_SET })).key);
  expect(keys).toEqual(['vip', 'vip-2', 'vip-3']);
  await expect(create('vip', IS_SET)).rejects.toMatchObject({ status: 409, path: 'key' });
  const other = await createWorkspace(database.pool, randomUUID());
  await expect(segments.get(other, 'vip')).rejects.toMatchObject({ status: 404 });
  expect((await segments.create(other, { name: 'VIP', condition: IS_SET })).key).toBe('vip');
});

test.each([
  [[], undefined, 'invalid'],
  ['text', undefined, 'invalid'],
  [{ condition: IS_SET }, 'name', 'invalid'],
  [{ name: ' ', condition: IS_SET }, 'name', 'invalid'],
  [{ name: 'x'.repeat(256), condition: IS_SET }, 'name', 'invalid'],
  [{ name: 'a\0b', condition: IS_SET }, 'name', 'invalid'],
  [{ name: '\ud800', condition: IS_SET }, 'name', 'invalid'],
  [{ name: 'x', description: 5, condition: IS_SET }, 'description', 'invalid'],
  [{ name: 'x', key: 'a b', condition: IS_SET }, 'key', 'invalid'],
  [{ name: 'x', condition: reference('nobody') }, 'condition.segment', 'invalid'],
  [{ name: 'x', nmae: 'y', condition: IS_SET }, 'nmae', 'invalid'],
  [{ name: 'x', condition: IS_SET, userIds: ['a'] }, 'userIds', 'invalid'],
  [{ name: 'x', condition: IS_SET, include: 'a' }, 'include', 'invalid'],
  [{ name: 'x', condition: IS_SET, exclude: [5] }, 'exclude[0]', 'invalid'],
  [{ name: 'x', condition: IS_SET, refresh: 'hourly' }, 'refresh', 'invalid'],
  [{ name: 'x', condition: IS_SET, refresh: { every: { hours: 0 } } }, 'refresh.every.hours', 'invalid'],
])('%j is refused', async (body, path, code) => {
  await expect(segments.create(workspaceId, body)).rejects.toMatchObject({ status: 422, code, path });
});

test('an unknown reference and an unknown field say what was meant', async () => {
  await create('important', IS_SET);
  await expect(create('x', reference('importent'))).rejects.toMatchObject({ hint: 'did you mean "important"?' });
  await expect(segments.create(workspaceId, { nam: 'x', condition: IS_SET })).rejects.toMatchObject({
    hint: 'did you mean "name"?',
  });
});

test('a segment in use cannot be deleted, and the error names who uses it', async () => {
  await create('a', IS_SET);
  await create('b', either(IS_SET, reference('a')));
  await create('c', { type: 'not', of: reference('a') });
  await expect(segments.delete(workspaceId, 'a')).rejects.toMatchObject({
    status: 409,
    message: 'the segment "a" is used by b, c',
  });
  await segments.delete(workspaceId, 'b');
  await segments.update(workspaceId, 'c', { condition: IS_SET });
  await segments.delete(workspaceId, 'a');
  await expect(segments.delete(workspaceId, 'a')).rejects.toMatchObject({ status: 404 });
});

test('kinds are those of everything that is really calculated', async () => {
  await create('a', { type: 'sample', percent: 10, seed: 's' });
  await create('b', either(IS_SET, reference('a')));
  expect((await create('c', reference('b'))).conditionKinds).toEqual(['property.is_set', 'sample', 'segment']);
});

test('a cycle is refused by its name, also one through several segments', async () => {
  await expect(create('a', reference('a'))).rejects.toMatchObject({
    status: 422,
    message: expect.stringContaining('a → a'),
  });
  await create('a', IS_SET);
  await create('b', reference('a'));
  await create('c', reference('b'));
  await expect(segments.update(workspaceId, 'a', { condition: either(IS_SET, reference('c')) })).rejects.toMatchObject({
    status: 422,
    message: expect.stringContaining('a → c → b → a'),
  });
  expect(await segments.get(workspaceId, 'a')).toMatchObject({ condition: IS_SET, version: 1 });
});

test('two edits at once cannot make a cycle together', async () => {
  for (let round = 0; round < 10; round += 1) {
    await create(`a${round}`, IS_SET);
    await create(`b${round}`, IS_SET);
    const outcomes = await Promise.allSettled([
      segments.update(workspaceId, `a${round}`, { condition: reference(`b${round}`) }),
      segments.update(workspaceId, `b${round}`, { condition: reference(`a${round}`) }),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  }
});

test('the version grows with each change of the condition, and with nothing else', async () => {
  await create('a', IS_SET);
  expect((await segments.update(workspaceId, 'a', { condition: { ...IS_SET } })).version).toBe(1);
  expect((await segments.update(workspaceId, 'a', { description: 'new' })).version).toBe(1);
  expect((await segments.update(workspaceId, 'a', { condition: { ...IS_SET, property: 'age' } })).version).toBe(2);
  await expect(segments.update(workspaceId, 'nobody', { name: 'x' })).rejects.toMatchObject({ status: 404 });
  await expect(segments.update(workspaceId, 'a', { key: 'b' })).rejects.toMatchObject({ status: 422, path: 'key' });
});

test('an edit supersedes what runs, with the same trigger, deadline and onLate, and says so', async () => {
  await create('a', IS_SET);
  const { rows } = await database.pool.query<{ id: number }>(
    `insert into calculations (workspace_id, segment_id, segment_key, trigger, state, deadline, on_late, process_id, attempts)
     select workspace_id, id, key, 'newsletter', 'running', '2026-01-01', 'use_latest', $2, 1
     from segments where workspace_id = $1 returning id`,
    [workspaceId, randomUUID()],
  );
  await segments.update(workspaceId, 'a', { name: 'other name' });
  expect(heard).toEqual([]);
  await segments.update(workspaceId, 'a', { condition: { ...IS_SET, property: 'age' } });
  const { rows: after } = await database.pool.query(
    `select o.state, o.error ->> 'code' as code, o.finished_at is not null as finished,
            n.state as new_state, n.trigger, n.deadline = '2026-01-01' as same_deadline, n.on_late
     from calculations o join calculations n on n.id = o.superseded_by where o.id = $1`,
    [rows[0]?.id],
  );
  expect(after).toEqual([
    {
      state: 'cancelled',
      code: 'superseded',
      finished: true,
      new_state: 'queued',
      trigger: 'newsletter',
      same_deadline: true,
      on_late: 'use_latest',
    },
  ]);
  expect(heard).toContainEqual({ kind: 'cancelled', id: rows[0]?.id });
  expect(heard).toContainEqual({ kind: 'queued' });
});

test('deleting ends what waits or runs and takes the snapshots along', async () => {
  await create('a', IS_SET);
  await database.pool.query(
    `insert into calculations (workspace_id, segment_id, segment_key, trigger, state)
     select workspace_id, id, key, 'api', state from segments, unnest(array['queued', 'running']) state where workspace_id = $1`,
    [workspaceId],
  );
  await database.pool.query(
    `with snapshot as (
       insert into snapshots (workspace_id, segment_id, segment_version, as_of, population, members)
       select workspace_id, id, 1, now(), 1, 1 from segments where workspace_id = $1 returning id)
     insert into snapshot_chunks (shard, snapshot_id, bits) select 1, id, 0::bit(32000) from snapshot`,
    [workspaceId],
  );
  await segments.delete(workspaceId, 'a');
  const { rows } = await database.pool.query(
    `select state, error ->> 'code' as code, segment_id from calculations where workspace_id = $1`,
    [workspaceId],
  );
  expect(rows).toEqual(Array(2).fill({ state: 'cancelled', code: 'segment_deleted', segment_id: null }));
  const { rows: left } = await database.pool.query('select from snapshot_chunks union all select from snapshots');
  expect(left).toEqual([]);
});

test('a workspace holds so many segments and no more', async () => {
  await database.pool.query(
    `insert into segments (workspace_id, key, name, condition)
     select $1, 's' || i, 's', $2::jsonb from generate_series(2, $3::integer) i`,
    [workspaceId, IS_SET, MAX_SEGMENTS],
  );
  await create('last', IS_SET);
  await expect(create('more', IS_SET)).rejects.toMatchObject({ status: 422 });
});
