import { randomUUID } from 'node:crypto';
import { MAX_ATTEMPTS } from '../../../src/calculations/limits.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import {
  addUsers,
  blockStoring,
  calculatingBackends,
  type Service,
  startService,
  until,
  untilState,
} from './service.ts';

/** Threads and whole processes that die, stop or share the work; each test has processes of its own. */

const PRO = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' };

let database: TestDatabase;
let service: Service;
let release: (() => Promise<void>) | undefined;
const others: Service[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(async () => {
  await release?.();
  release = undefined;
  for (const other of [service, ...others.splice(0)]) await other.stop();
});

const start = async (options: Parameters<typeof startService>[1] = {}): Promise<void> => {
  service = await startService(database, options);
  await addUsers(database, service.workspaceId, 20, (i) => (i % 2 === 0 ? { plan: 'pro' } : {}));
};
const define = (key: string, condition: unknown = PRO) =>
  service.segments.create(service.workspaceId, { key, name: key, condition });
const request = (key: string, body: object = {}) => service.calculations.request(service.workspaceId, key, body);
const calculate = (key: string, body: object = {}) => request(key, { wait: 30_000, ...body });
const block = async (): Promise<void> => {
  release = await blockStoring(database);
};
const CRASHING = new URL('./crashing-worker.ts', import.meta.url);

test.each(['exit', 'throw', 'memory'])(
  'a thread that dies (%s) fails its own calculation, which is tried again',
  async (way) => {
    await start({ workerFile: CRASHING, heapMb: 64 });
    await define(`${way}-1`);
    await define('good');
    const [crashed, ...good] = await Promise.all([
      calculate(`${way}-1`),
      ...Array.from({ length: 5 }, () => calculate('good')),
    ]);
    expect(crashed).toMatchObject({ state: 'succeeded', attempts: 2, members: 10, error: null });
    for (const calculation of good) expect(calculation).toMatchObject({ state: 'succeeded' });
    expect(service.records.map(({ outcome }) => outcome)).toContain('retried');
  },
);

test('after so many attempts it fails, with a clear error', async () => {
  await start({ workerFile: CRASHING });
  await define('exit-99');
  expect(await calculate('exit-99')).toMatchObject({
    state: 'failed',
    attempts: MAX_ATTEMPTS,
    snapshot: null,
    error: { code: 'worker_crashed', message: 'its worker thread crashed' },
  });
});

test('a preview whose thread dies is told so, and the next one finds another thread', async () => {
  await start({ workerFile: CRASHING });
  const preview = (sample: number) => service.calculations.preview(service.workspaceId, { condition: PRO, sample });
  await expect(preview(99)).rejects.toMatchObject({ status: 503, code: 'worker_crashed' });
  await expect(preview(1)).resolves.toMatchObject({ members: 10, sample: ['u0'] });
});

test('a statement that runs for too long fails without another attempt, and says what to do', async () => {
  await start({ statementTimeoutMs: 300 });
  await define('pro');
  await block();
  expect(await calculate('pro')).toMatchObject({
    state: 'failed',
    attempts: 1,
    conditionKinds: ['property.equals'],
    error: { code: 'timeout', message: 'a statement ran for longer than 300 ms', hint: expect.any(String) },
  });
  await release?.();
  expect(await calculate('pro')).toMatchObject({ state: 'succeeded', attempts: 1 });
});

test('two processes on one database: fifty requests, none lost, none run twice at once', async () => {
  await start();
  const other = await startService(database, { workspaceId: service.workspaceId });
  others.push(other);
  for (let i = 0; i < 25; i += 1) await define(`s${i}`);
  const asked = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      [service, other][i % 2]?.calculations.request(service.workspaceId, `s${i % 25}`, { wait: 30_000 }),
    ),
  );
  for (const calculation of asked) expect(calculation).toMatchObject({ state: 'succeeded', attempts: 1, members: 10 });
  expect(service.records.length).toBeGreaterThan(0);
  expect(other.records.length).toBeGreaterThan(0);
  const { rows } = await database.pool.query(
    `select a.id from calculations a join calculations b on a.segment_id = b.segment_id and a.id <> b.id
     where a.workspace_id = $1 and a.started_at < b.finished_at and b.started_at < a.finished_at`,
    [service.workspaceId],
  );
  expect(rows).toEqual([]);
});

test('a calculation is cancelled by another process than the one that runs it', async () => {
  await start();
  await define('pro');
  await block();
  const { id } = await request('pro');
  await until(async () => (await calculatingBackends(database)).length === 1, 'its statement runs');
  const other = await startService(database, { workspaceId: service.workspaceId });
  others.push(other);
  await other.calculations.cancel(service.workspaceId, id);
  await until(async () => (await calculatingBackends(database)).length === 0, 'its statement has ended');
  expect(await service.calculations.get(service.workspaceId, id)).toMatchObject({ state: 'cancelled' });
});

test('what a process that died was running is taken over at the start of the next', async () => {
  await start();
  await define('pro');
  await service.stop();
  await database.pool.query(
    `insert into calculations (workspace_id, segment_id, segment_key, trigger, state, process_id, attempts, started_at)
     select workspace_id, id, key, 'newsletter', 'running', $2, 1, now() from segments where workspace_id = $1`,
    [service.workspaceId, randomUUID()],
  );
  service = await startService(database, { workspaceId: service.workspaceId });
  const [taken] = (await service.calculations.list(service.workspaceId)).calculations;
  expect(await untilState(service, taken?.id ?? '', 'succeeded')).toMatchObject({ attempts: 2, trigger: 'newsletter' });
});

test('a process that stops gives back what it could not finish', async () => {
  await start({ drainMs: 100 });
  await define('pro');
  await block();
  const { id } = await request('pro');
  await until(async () => (await calculatingBackends(database)).length === 1, 'its statement runs');
  await service.stop();
  const { rows } = await database.pool.query('select state from calculations where workspace_id = $1', [
    service.workspaceId,
  ]);
  expect(rows).toEqual([{ state: 'queued' }]);
  await release?.();
  service = await startService(database, { workspaceId: service.workspaceId });
  expect(await untilState(service, id, 'succeeded')).toMatchObject({ members: 10 });
});
