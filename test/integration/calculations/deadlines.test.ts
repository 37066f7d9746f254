import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { LATE_TIMES_MS } from '../../../src/calculations/limits.ts';
import type { CalculationResource } from '../../../src/calculations/resources.ts';
import { MIN_HISTORY } from '../../../src/calculations/schedule/prediction.ts';
import { START_FLOOR_MS } from '../../../src/calculations/schedule/starts.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace } from '../../support/workspace.ts';
import { addUsers, type Service, startService, until, untilState } from './service.ts';

/** Newsletters with a deadline start as late as is safe. Time goes by in the database: no test waits for a planned start. */

const PRO = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' };
const HOUR_MS = 3_600_000;
jest.setTimeout(60_000);

let database: TestDatabase;
let service: Service;

beforeAll(async () => {
  database = await createTestDatabase();
  service = await startService(database);
}, 60_000);
afterAll(async () => {
  await service?.stop();
  await database?.drop();
});
beforeEach(async () => {
  service = { ...service, workspaceId: await createWorkspace(database.pool, randomUUID()) };
  await addUsers(database, service.workspaceId, 20, (i) => (i % 2 === 0 ? { plan: 'pro' } : { plan: 'free' }));
  await define('pro');
});
afterEach(async () => {
  await database.pool.query(`update calculations set state = 'cancelled' where state = 'queued'`);
});

const define = (key: string) => service.segments.create(service.workspaceId, { key, name: key, condition: PRO });
const request = (key: string, body: object = {}): Promise<CalculationResource> =>
  service.calculations.request(service.workspaceId, key, body);
const newsletter = (inMs: number, more: object = {}) => ({
  trigger: 'newsletter',
  deadline: new Date(Date.now() + inMs).toISOString(),
  ...more,
});
const get = (id: string): Promise<CalculationResource> => service.calculations.get(service.workspaceId, id);
const msBeforeDeadline = ({ deadline, plannedStartAt }: CalculationResource): number =>
  Date.parse(deadline ?? '') - Date.parse(plannedStartAt ?? '');
/** So much time goes by. */
const letPass = async (id: string, ms: number): Promise<void> => {
  await database.pool.query(
    `update calculations set requested_at = requested_at - $2 * interval '1 ms', run_after = run_after - $2 * interval '1 ms',
       planned_start_at = planned_start_at - $2 * interval '1 ms', deadline = deadline - $2 * interval '1 ms'
     where id = $1`,
    [Number(id.slice('clc_'.length)), ms],
  );
};

test('what is expected comes from the condition, and from the segment itself as soon as it has a history', async () => {
  const reckoned = await service.calculations.predict(service.workspaceId, 'pro');
  expect(reckoned).toMatchObject({ basis: 'cost', calculations: 0 });
  expect(reckoned.expectedMs).toBeGreaterThan(0);
  for (let i = 0; i < MIN_HISTORY; i += 1) await request('pro', { wait: 30_000 });
  // until the times with their commits are in the records too, some 250 ms later
  const predict = () => service.calculations.predict(service.workspaceId, 'pro');
  let known = await predict();
  await until(async () => {
    const before = known;
    await sleep(2 * LATE_TIMES_MS);
    known = await predict();
    return JSON.stringify(known) === JSON.stringify(before);
  }, 'the times are complete');
  expect(known).toMatchObject({ basis: 'history', calculations: MIN_HISTORY });
  expect(known.lowMs).toBeLessThanOrEqual(known.expectedMs);
  expect(known.expectedMs).toBeLessThanOrEqual(known.highMs);
  expect(await service.segments.get(service.workspaceId, 'pro')).toMatchObject({ prediction: known });
  // another definition has no history yet
  await service.segments.update(service.workspaceId, 'pro', { condition: { ...PRO, value: 'free' } });
  expect(await service.calculations.predict(service.workspaceId, 'pro')).toMatchObject({ basis: 'cost' });
  await expect(service.calculations.predict(service.workspaceId, 'nobody')).rejects.toMatchObject({ status: 404 });
});

test('a newsletter with a deadline waits until the latest moment that is safe', async () => {
  const planned = await request('pro', newsletter(HOUR_MS));
  expect(planned).toMatchObject({ state: 'queued', attempts: 0, expectedMs: expect.any(Number), late: false });
  const { highMs } = await service.calculations.predict(service.workspaceId, 'pro');
  expect(msBeforeDeadline(planned)).toBeGreaterThanOrEqual(START_FLOOR_MS + (planned.expectedMs ?? 0));
  expect(msBeforeDeadline(planned)).toBeLessThanOrEqual(START_FLOOR_MS + 2 * highMs);
  expect(planned.lateRisk).toBeLessThan(0.05);
  // it waits for no thread
  expect(await service.calculations.queueDepth()).toBe(0);
});

test('it starts then, sees what was written meanwhile, and the wait that was planned is no queueing', async () => {
  const { id } = await request('pro', newsletter(HOUR_MS));
  await addUsers(database, service.workspaceId, 5, () => ({ plan: 'pro' }), 100);
  await letPass(id, HOUR_MS - 10_000);
  expect(await get(id)).toMatchObject({ state: 'queued' });
  await letPass(id, 9_000);
  const done = await untilState(service, id, 'succeeded');
  expect(done).toMatchObject({ members: 15, plannedStartAt: expect.any(String), lateRisk: null });
  expect(Date.parse(done.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(done.plannedStartAt ?? ''));
  expect(done.timingsMs.queue).toBeLessThan(30_000);
  expect(done.timingsMs.total).toBeLessThan(40_000);
});

test.each([{ trigger: 'manual' }, { trigger: 'newsletter' }, { trigger: 'schedule' }])(
  'a request without a deadline (%j) joins it and pulls it forward',
  async (body) => {
    const planned = await request('pro', newsletter(HOUR_MS));
    const joined = await request('pro', { ...body, wait: 30_000 });
    expect(joined).toMatchObject({
      id: planned.id,
      state: 'succeeded',
      trigger: 'newsletter',
      deadline: planned.deadline,
      plannedStartAt: null,
    });
  },
);

test('of two deadlines the earlier counts, whichever comes first', async () => {
  const first = await request('pro', newsletter(2 * HOUR_MS));
  const second = await request('pro', newsletter(HOUR_MS));
  expect(second.id).toBe(first.id);
  expect(Date.parse(second.plannedStartAt ?? '')).toBeLessThan(Date.now() + HOUR_MS);
  const third = await request('pro', newsletter(3 * HOUR_MS));
  expect(third).toMatchObject({ id: first.id, deadline: second.deadline, plannedStartAt: second.plannedStartAt });
});

test('whoever waits, and whoever is no newsletter, is calculated at once', async () => {
  expect(await request('pro', newsletter(HOUR_MS, { wait: 30_000 }))).toMatchObject({
    state: 'succeeded',
    plannedStartAt: null,
    expectedMs: expect.any(Number),
  });
  for (const trigger of ['manual', 'api', 'schedule']) {
    const { id } = await request('pro', newsletter(HOUR_MS, { trigger }));
    expect(await untilState(service, id, 'succeeded')).toMatchObject({ plannedStartAt: null });
  }
});

test('where the safe moment has passed it starts at once, and shows the risk', async () => {
  const soon = await request('pro', newsletter(START_FLOOR_MS / 2));
  expect(soon.plannedStartAt).toBeNull();
  await untilState(service, soon.id, 'succeeded');
  await define('slow');
  const { rows } = await database.pool.query<{ id: number; version: number }>(
    'select id, version from segments where workspace_id = $1 and key = $2',
    [service.workspaceId, 'slow'],
  );
  await database.pool.query(
    `insert into calculations (workspace_id, segment_id, segment_key, segment_version, trigger, state, queue_ms, total_ms, population)
     select $1, $2, 'slow', $3, 'api', 'succeeded', 5, 60000 + 1000 * i, 20 from generate_series(1, 10) i`,
    [service.workspaceId, rows[0]?.id, rows[0]?.version],
  );
  // One that cannot begin, so that what is shown is what is seen while it waits.
  await database.pool.query(
    `insert into calculations (workspace_id, segment_id, segment_key, trigger, state, process_id, started_at)
     select $1, $2, 'slow', 'api', 'running', id, now() from processes limit 1`,
    [service.workspaceId, rows[0]?.id],
  );
  const risky = await request('slow', newsletter(20_000));
  expect(risky).toMatchObject({ state: 'queued', plannedStartAt: null, expectedMs: 64_995 });
  expect(risky.lateRisk).toBeGreaterThan(0.9);
  const even = await request('slow', newsletter(64_995));
  expect(even.lateRisk).toBeGreaterThan(0.9);
  await database.pool.query(`delete from calculations where workspace_id = $1 and state = 'running'`, [
    service.workspaceId,
  ]);
});

test('one that is due before another puts it forward', async () => {
  await define('later');
  const deadline = Date.now() + HOUR_MS;
  const at = (ms: number) => ({ trigger: 'newsletter', deadline: new Date(deadline + ms).toISOString() });
  const later = await request('later', at(1_000));
  const sooner = await request('pro', at(0));
  expect(sooner.plannedStartAt).not.toBeNull();
  const moved = await get(later.id);
  expect(Date.parse(moved.plannedStartAt ?? '')).toBeLessThan(Date.parse(later.plannedStartAt ?? ''));
  // and the other way round it is planned around from the beginning
  await define('last');
  const last = await request('last', at(1_000));
  expect(msBeforeDeadline(last)).toBeGreaterThan(msBeforeDeadline(later));
});

test('a planned start survives the process that planned it, and can be cancelled', async () => {
  const { id, plannedStartAt } = await request('pro', newsletter(HOUR_MS));
  const { workspaceId } = service;
  await service.stop();
  service = await startService(database, { workspaceId });
  expect(await get(id)).toMatchObject({ state: 'queued', plannedStartAt });
  await letPass(id, HOUR_MS);
  await untilState(service, id, 'succeeded');
  const next = await request('pro', newsletter(HOUR_MS));
  expect(await service.calculations.cancel(workspaceId, next.id)).toMatchObject({ state: 'cancelled' });
});
