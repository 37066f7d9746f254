import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace, defineSegment } from '../../support/workspace.ts';
import {
  addUsers,
  blockStoring,
  calculatingBackends,
  type Service,
  startService,
  until,
  untilState,
} from './service.ts';

/** Faults are made, not imagined: backends are terminated, statements cancelled, definitions broken. */

const PRO = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' };

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
  shared.records.length = 0;
  service = { ...shared, workspaceId: await createWorkspace(database.pool, randomUUID()) };
  await addUsers(database, service.workspaceId, 20, (i) => (i % 2 === 0 ? { plan: 'pro' } : {}));
});
afterEach(async () => {
  await release?.();
  release = undefined;
});

const define = (key: string, condition: unknown = PRO) =>
  service.segments.create(service.workspaceId, { key, name: key, condition });
const request = (key: string, body: object = {}) => service.calculations.request(service.workspaceId, key, body);
const calculate = (key: string, body: object = {}) => request(key, { wait: 30_000, ...body });
const block = async (): Promise<void> => {
  release = await blockStoring(database);
};

test('a backend that is terminated under a calculation costs one attempt', async () => {
  await define('pro');
  await block();
  const { id } = await request('pro');
  await until(async () => (await calculatingBackends(database)).length === 1, 'its statement runs');
  const [pid] = await calculatingBackends(database);
  await database.pool.query('select pg_terminate_backend($1)', [pid]);
  await until(
    async () => (await service.calculations.get(service.workspaceId, id)).attempts === 2,
    'it is tried again',
  );
  await release?.();
  expect(await untilState(service, id, 'succeeded')).toMatchObject({ attempts: 2, members: 10, error: null });
});

test('idle connections that were terminated are noticed: the next calculations need one attempt', async () => {
  await define('pro');
  for (let i = 0; i < 4; i += 1) await calculate('pro');
  await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name like 'evenkeel%' and pid <> pg_backend_pid()
       and application_name <> 'evenkeel test'`,
  );
  for (let i = 0; i < 4; i += 1) expect(await calculate('pro')).toMatchObject({ state: 'succeeded', attempts: 1 });
  await until(async () => {
    const { rows } = await database.pool.query(
      `select from pg_stat_activity where datname = current_database() and application_name = 'evenkeel signals'`,
    );
    return rows.length === 1;
  }, 'somebody listens again');
});

test('one bad segment among many harms none of them', async () => {
  for (let i = 0; i < 10; i += 1) await define(`s${i}`);
  await defineSegment(database.pool, service.workspaceId, 'bad', { type: 'nonsense' });
  const keys = ['s0', 's1', 's2', 'bad', 's3', 's4', 's5', 's6', 's7', 's8', 's9'];
  const done = await Promise.all(keys.map((key) => calculate(key)));
  for (const { segment, state, attempts } of done)
    expect({ segment, state, attempts }).toEqual({
      segment,
      state: segment === 'bad' ? 'failed' : 'succeeded',
      attempts: 1,
    });
  expect(done[3]?.error).toMatchObject({ code: 'invalid' });
});

test('what an external hand cancels in the database is tried again', async () => {
  await define('pro');
  await block();
  const { id } = await request('pro');
  await until(async () => (await calculatingBackends(database)).length === 1, 'its statement runs');
  const [pid] = await calculatingBackends(database);
  await database.pool.query('select pg_cancel_backend($1)', [pid]);
  await until(
    async () => (await service.calculations.get(service.workspaceId, id)).attempts === 2,
    'it is tried again',
  );
  await release?.();
  expect(await untilState(service, id, 'succeeded')).toMatchObject({ attempts: 2 });
});

test('a segment deleted under its calculation ends it', async () => {
  await define('pro');
  await block();
  const { id } = await request('pro');
  await until(async () => (await calculatingBackends(database)).length === 1, 'its statement runs');
  const deleting = service.segments.delete(service.workspaceId, 'pro');
  await release?.();
  await deleting;
  const ended = await untilState(service, id, 'succeeded', 'cancelled');
  expect(ended.state === 'succeeded' || ended.error?.code === 'segment_deleted').toBe(true);
  const { rows } = await database.pool.query(
    'select from snapshot_chunks b where not exists (select from snapshots where id = b.snapshot_id)',
  );
  expect(rows).toEqual([]);
});

test('a process that was taken for dead cannot store over whoever took over', async () => {
  await define('pro');
  await block();
  const { id } = await request('pro');
  await until(async () => (await calculatingBackends(database)).length === 1, 'its statement runs');
  await database.pool.query(
    `update calculations set attempts = attempts + 1, process_id = $2 where workspace_id = $1`,
    [service.workspaceId, randomUUID()],
  );
  await release?.();
  await until(() => service.records.length > 0, 'it has ended');
  const { rows } = await database.pool.query('select from snapshots where workspace_id = $1', [service.workspaceId]);
  expect(rows).toEqual([]);
  // Its new owner is nobody: it comes back by itself.
  expect(await untilState(service, id, 'succeeded')).toMatchObject({ members: 10 });
});
