import { randomUUID } from 'node:crypto';
import type { CalculationResource } from '../../../src/calculations/resources.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace } from '../../support/workspace.ts';
import {
  addUsers,
  blockStoring,
  calculatingBackends,
  type Service,
  startService,
  until,
  untilState,
} from './service.ts';

const PRO = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' };
const PLAN_IS_SET = { type: 'property', property: 'plan', operator: 'is_set' };
const EVERYBODY = { type: 'all', of: [] };

let database: TestDatabase;
let shared: Service;
let service: Service;
let release: (() => Promise<void>) | undefined;

beforeAll(async () => {
  database = await createTestDatabase();
  shared = await startService(database);
});
afterAll(async () => {
  await shared.stop();
  await database.drop();
});
beforeEach(async () => {
  const workspaceId = await createWorkspace(database.pool, randomUUID());
  service = { ...shared, workspaceId };
  service.records.length = 0;
  await addUsers(database, workspaceId, 100, (i) =>
    i % 4 === 0 ? { plan: 'pro' } : i % 4 === 1 ? { plan: 'free' } : {},
  );
});
afterEach(async () => {
  await release?.();
  release = undefined;
});

const define = (key: string, condition: unknown = PRO) =>
  service.segments.create(service.workspaceId, { key, name: key, condition });
const request = (key: string, body: object = {}) => service.calculations.request(service.workspaceId, key, body);
const calculate = (key: string, body: object = {}): Promise<CalculationResource> =>
  request(key, { wait: 20_000, ...body });
const membersOf = async (key: string): Promise<string[]> =>
  (await service.snapshots.membersOfSegment(service.workspaceId, key)).members.map(({ userId }) => userId);
const block = async (): Promise<void> => {
  release = await blockStoring(database);
};

test('a calculation that is waited for comes back ended, with all that the contract promises', async () => {
  await define('pro');
  const done = await calculate('pro', { trigger: 'manual' });
  expect(done).toMatchObject({
    segment: 'pro',
    trigger: 'manual',
    state: 'succeeded',
    attempts: 1,
    population: 100,
    members: 25,
    entered: 25,
    left: 0,
    conditionKinds: ['property.equals'],
    late: false,
    error: null,
    deadline: null,
    segmentVersion: 1,
  });
  expect(done.id).toMatch(/^clc_\d+$/);
  expect(done.snapshot).toMatch(/^snp_\d+$/);
  const { queue, freshen, compile, query, store, total } = done.timingsMs;
  const phases = [queue, freshen, compile, query, store].map(Number);
  expect(phases.every((ms) => ms > 0)).toBe(true);
  expect(Number(total)).toBeGreaterThan(phases.reduce((sum, ms) => sum + ms, 0) * 0.9);
  expect(await membersOf('pro')).toEqual(Array.from({ length: 25 }, (_, i) => `u${i * 4}`));
  expect((await service.segments.get(service.workspaceId, 'pro')).latestSnapshot).toEqual({
    id: done.snapshot,
    asOf: done.asOf,
    population: 100,
    members: 25,
  });
  expect(service.records).toMatchObject([
    { outcome: 'succeeded', trigger: 'manual', kinds: ['property.equals'], members: 25 },
  ]);
});

test('each calculation sees what was written before it was asked for, and says who entered and who left', async () => {
  await define('pro');
  await calculate('pro');
  await addUsers(database, service.workspaceId, 3, () => ({ plan: 'free' }));
  await addUsers(database, service.workspaceId, 2, () => ({ plan: 'pro' }), 100);
  expect(await calculate('pro')).toMatchObject({ population: 102, members: 26, entered: 2, left: 1 });
  expect(await membersOf('pro')).toEqual([...Array.from({ length: 24 }, (_, i) => `u${i * 4 + 4}`), 'u100', 'u101']);
});

test('snapshots stay as they were while newer ones are made', async () => {
  await define('all', EVERYBODY);
  await calculate('all');
  const first = await service.snapshots.membersOfSegment(service.workspaceId, 'all', { limit: 60 });
  await addUsers(database, service.workspaceId, 50, () => ({}), 100);
  await calculate('all');
  const cursor = first.nextCursor ?? '';
  const second = await service.snapshots.membersOfSegment(service.workspaceId, 'all', { limit: 60, cursor });
  expect(second.snapshot).toBe(first.snapshot);
  expect([...first.members, ...second.members]).toHaveLength(100);
  const latest = await service.snapshots.latest(service.workspaceId, 'all');
  const changes = await service.snapshots.changes(service.workspaceId, latest.id, first.snapshot);
  expect(changes.entered).toHaveLength(50);
  expect(changes.left).toEqual([]);
});

test('a segment of segments is calculated from what they say now', async () => {
  await define('pro');
  await define('not-pro', { type: 'not', of: { type: 'segment', segment: 'pro' } });
  expect(await calculate('not-pro')).toMatchObject({ members: 75, conditionKinds: ['property.equals', 'segment'] });
  await service.segments.update(service.workspaceId, 'pro', { condition: PLAN_IS_SET });
  expect(await calculate('not-pro')).toMatchObject({ members: 50, conditionKinds: ['property.is_set', 'segment'] });
});

test('requests for a segment that waits join, those while it runs get one more', async () => {
  await define('pro');
  await block();
  const first = await request('pro');
  await untilState(service, first.id, 'running');
  const joined = await Promise.all(
    Array.from({ length: 20 }, (_, i) => request('pro', { trigger: i === 7 ? 'newsletter' : 'api' })),
  );
  expect(new Set(joined.map(({ id }) => id)).size).toBe(1);
  expect(joined[0]?.id).not.toBe(first.id);
  await release?.();
  expect(await untilState(service, joined[0]?.id ?? '', 'succeeded')).toMatchObject({ trigger: 'newsletter' });
  expect((await service.calculations.list(service.workspaceId)).calculations).toHaveLength(2);
});

test('a waiting one is cancelled at once, and does not run', async () => {
  await define('pro');
  await block();
  const running = await request('pro');
  await untilState(service, running.id, 'running');
  const { id } = await request('pro');
  expect(await service.calculations.cancel(service.workspaceId, id)).toMatchObject({
    state: 'cancelled',
    error: { code: 'cancelled' },
  });
  await release?.();
  await untilState(service, running.id, 'succeeded');
  expect(await service.calculations.get(service.workspaceId, id)).toMatchObject({ state: 'cancelled', attempts: 0 });
  await expect(service.calculations.cancel(service.workspaceId, id)).rejects.toMatchObject({ status: 409 });
});

test('a running one is cancelled: its statement ends in PostgreSQL, and the thread goes on with the next', async () => {
  await define('pro');
  await define('all', EVERYBODY);
  await block();
  const { id } = await request('pro');
  await untilState(service, id, 'running');
  await until(async () => (await calculatingBackends(database)).length === 1, 'its statement runs');
  await service.calculations.cancel(service.workspaceId, id);
  await until(async () => (await calculatingBackends(database)).length === 0, 'its statement has ended');
  await release?.();
  expect(await service.calculations.get(service.workspaceId, id)).toMatchObject({ state: 'cancelled', snapshot: null });
  for (let i = 0; i < 4; i += 1) expect(await calculate('all')).toMatchObject({ state: 'succeeded', attempts: 1 });
  await until(() => service.records.some(({ outcome }) => outcome === 'lost'), 'it is recorded as lost');
});

test('an edit while it runs supersedes the calculation; the new definition is calculated instead', async () => {
  await define('pro');
  await block();
  // who waits wants it now, and not shortly before the deadline
  const { id } = await request('pro', { trigger: 'newsletter', deadline: '2099-01-01T00:00:00Z', wait: 1 });
  await until(async () => (await calculatingBackends(database)).length === 1, 'its statement runs');
  await service.segments.update(service.workspaceId, 'pro', { condition: PLAN_IS_SET });
  const old = await service.calculations.get(service.workspaceId, id);
  expect(old).toMatchObject({ state: 'cancelled', error: { code: 'superseded' }, supersededBy: expect.any(String) });
  await release?.();
  expect(await untilState(service, old.supersededBy ?? '', 'succeeded')).toMatchObject({
    trigger: 'newsletter',
    deadline: '2099-01-01T00:00:00.000Z',
    segmentVersion: 2,
    members: 50,
  });
});

test('a newsletter that would rather be late: at its deadline it has the latest snapshot, later the new one', async () => {
  await define('pro');
  const { snapshot } = await calculate('pro');
  await block();
  const deadline = new Date(Date.now() + 300).toISOString();
  const handed = await calculate('pro', { trigger: 'newsletter', deadline, onLate: 'use_latest' });
  expect(Date.now()).toBeLessThan(Date.parse(deadline) + 2_000);
  expect(handed).toMatchObject({ state: 'running', late: true, snapshot });
  await until(
    async () => (await service.snapshots.get(service.workspaceId, snapshot ?? '')).pinned,
    'what it was handed is pinned',
  );
  await release?.();
  const done = await untilState(service, handed.id, 'succeeded');
  expect(done).toMatchObject({ late: true, attempts: 1 });
  expect(done.snapshot).not.toBe(snapshot);
  expect((await service.snapshots.get(service.workspaceId, done.snapshot ?? '')).pinned).toBe(true);
});

test('a deadline that is kept is not late, one that is missed is, whatever it does about it', async () => {
  await define('pro');
  expect(await calculate('pro', { deadline: '2099-01-01T00:00:00Z' })).toMatchObject({ late: false });
  expect(await calculate('pro', { deadline: '2001-01-01T00:00:00Z' })).toMatchObject({
    late: true,
    state: 'succeeded',
  });
  await define('new');
  const late = await calculate('new', { deadline: '2001-01-01T00:00:00Z', onLate: 'use_latest' });
  expect(late).toMatchObject({ state: 'succeeded', late: true });
});

test('whoever waits is answered when the time is up, or at once when it is zero', async () => {
  await define('pro');
  await block();
  expect(await request('pro')).toMatchObject({ state: expect.stringMatching(/queued|running/) });
  const began = Date.now();
  expect(await request('pro', { wait: 200 })).toMatchObject({ state: 'queued' });
  expect(Date.now() - began).toBeGreaterThanOrEqual(199);
});

test('watching shows each state once, and ends with the last', async () => {
  await define('pro');
  await block();
  const { id } = await request('pro');
  const states: string[] = [];
  const watching = (async () => {
    for await (const { state } of service.calculations.watch(service.workspaceId, id)) states.push(state);
  })();
  await untilState(service, id, 'running');
  await release?.();
  await watching;
  expect(states.at(-1)).toBe('succeeded');
  expect(states.slice(0, -1).every((state) => state === 'queued' || state === 'running')).toBe(true);
  const aborted = new AbortController();
  const { id: other } = await request('pro');
  await untilState(service, other, 'succeeded');
  aborted.abort();
  for await (const _ of service.calculations.watch(service.workspaceId, other, aborted.signal))
    throw new Error('aborted');
});

test('calculations are listed newest first, filtered and page by page', async () => {
  await define('pro');
  await define('all', EVERYBODY);
  for (let i = 0; i < 3; i += 1) await calculate('pro', { trigger: 'manual' });
  const { id, requestedAt } = await calculate('all', { trigger: 'schedule' });
  const list = async (filters: object) =>
    (await service.calculations.list(service.workspaceId, filters)).calculations.map((calculation) => calculation.id);
  expect(await list({})).toHaveLength(4);
  expect((await list({}))[0]).toBe(id);
  expect(await list({ segment: 'all' })).toEqual([id]);
  expect(await list({ trigger: 'schedule' })).toEqual([id]);
  expect(await list({ since: requestedAt })).toEqual([id]);
  expect(await list({ kind: 'property.equals' })).toHaveLength(3);
  expect(await list({ state: 'failed' })).toEqual([]);
  const first = await service.calculations.list(service.workspaceId, { limit: 3 });
  const second = await service.calculations.list(service.workspaceId, { limit: 3, cursor: first.nextCursor ?? '' });
  expect(second).toMatchObject({ calculations: [{}], nextCursor: null });
  for (const filters of [
    { state: 'x' },
    { trigger: 'x' },
    { kind: 'x' },
    { since: 'x' },
    { cursor: 'x' },
    { limit: 0 },
  ])
    await expect(list(filters)).rejects.toMatchObject({ status: 422 });
});

test.each([
  [{ trigger: 'newsleter' }, 'trigger'],
  [{ onLate: 'never' }, 'onLate'],
  [{ deadline: 'tomorrow' }, 'deadline'],
  [{ wait: 60_001 }, 'wait'],
  [{ wait: -1 }, 'wait'],
  [{ wait: '5' }, 'wait'],
  [{ deadlin: 'x' }, 'deadlin'],
])('a request %j is refused', async (body, path) => {
  await define('pro');
  await expect(request('pro', body)).rejects.toMatchObject({ status: 422, path });
});

test('unknown segments, calculations and those of other workspaces are not there', async () => {
  await expect(request('nobody')).rejects.toMatchObject({ status: 404 });
  await expect(service.calculations.get(service.workspaceId, 'clc_999999999')).rejects.toMatchObject({ status: 404 });
  await expect(service.calculations.get(service.workspaceId, 'snp_1')).rejects.toMatchObject({ status: 422 });
  await define('pro');
  const { id } = await calculate('pro');
  await expect(service.calculations.get(service.workspaceId + 1, id)).rejects.toMatchObject({ status: 404 });
  await expect(service.calculations.cancel(service.workspaceId + 1, id)).rejects.toMatchObject({ status: 404 });
});

test('a preview counts and shows a few, and stores nothing', async () => {
  const preview = await service.calculations.preview(service.workspaceId, { condition: PRO, sample: 3 });
  expect(preview).toMatchObject({ members: 25, population: 100, sample: ['u0', 'u4', 'u8'] });
  expect(preview.durationMs).toBeGreaterThan(0);
  const { rows } = await database.pool.query('select from snapshots where workspace_id = $1', [service.workspaceId]);
  expect(rows).toEqual([]);
  await expect(service.calculations.preview(service.workspaceId, { condition: { type: 'x' } })).rejects.toMatchObject({
    status: 422,
  });
  await expect(
    service.calculations.preview(service.workspaceId, { condition: PRO, sample: 101 }),
  ).rejects.toMatchObject({ status: 422 });
  await expect(
    service.calculations.preview(service.workspaceId, { condition: { type: 'segment', segment: 'nobody' } }),
  ).rejects.toMatchObject({ status: 422, message: expect.stringContaining('nobody') });
});

test('explain gives the statement, its parameters, the plan and the kinds; with analyze what it took', async () => {
  const explanation = await service.calculations.explain(service.workspaceId, { condition: PRO });
  expect(explanation).toMatchObject({ sql: expect.stringContaining('chunks'), conditionKinds: ['property.equals'] });
  expect(JSON.stringify(explanation.plan)).not.toContain('Actual Rows');
  const analyzed = await service.calculations.explain(service.workspaceId, { condition: PRO, analyze: true });
  expect(JSON.stringify(analyzed.plan)).toContain('Actual Rows');
  expect(JSON.stringify(analyzed.plan)).toContain('Shared Hit Blocks');
});

test('membership of one user is told as of now', async () => {
  await define('pro');
  const isMember = (userId: string) => service.calculations.isMember(service.workspaceId, 'pro', userId);
  const says = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' };
  expect(await isMember('u0')).toMatchObject({ member: true, condition: { ...says, holds: true } });
  expect(await isMember('u1')).toMatchObject({ member: false, condition: { ...says, holds: false } });
  await addUsers(database, service.workspaceId, 2, (i) => ({ plan: i === 0 ? 'free' : 'pro' }));
  expect(await isMember('u0')).toMatchObject({ member: false });
  expect(await isMember('u1')).toMatchObject({ member: true });
  await expect(isMember('nobody')).rejects.toMatchObject({ status: 404 });
  await expect(service.calculations.isMember(service.workspaceId, 'nobody', 'u0')).rejects.toMatchObject({
    status: 404,
  });
});
