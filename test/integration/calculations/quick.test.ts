import { randomUUID } from 'node:crypto';
import type { CalculationResource } from '../../../src/calculations/resources.ts';
import { parseId } from '../../../src/core/ids.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace, snapshotMembers } from '../../support/workspace.ts';
import { addUsers, type Service, startService, until } from './service.ts';

/** Calculations that the main thread begins and runs with one message, and what must not go wrong with them. Decision 0040. */

const WAIT = { trigger: 'api', wait: 30_000 };
const isPlan = (value: string) => ({ type: 'property', property: 'plan', operator: 'equals', value });

let database: TestDatabase;
let service: Service;
let workspaceId: number;

beforeAll(async () => {
  database = await createTestDatabase();
  service = await startService(database);
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
});
beforeEach(async () => {
  workspaceId = await createWorkspace(database.pool, randomUUID());
  await addUsers(database, workspaceId, 10, (i) => ({ plan: i < 4 ? 'pro' : 'free' }));
  await service.segments.create(workspaceId, { key: 'some', name: 'some', condition: isPlan('pro') });
});

const ask = (key = 'some'): Promise<CalculationResource> => service.calculations.request(workspaceId, key, WAIT);

/** How many of what `work` asked for were calculated without a thread of the pool. */
const quickOnes = async (work: () => Promise<unknown>): Promise<number> => {
  const last = async (): Promise<(string | null)[]> => {
    const { rows } = await database.pool.query<{ began: string | null }>(
      `select query_start::text as began from pg_stat_activity
       where application_name = 'evenkeel quick' and query like 'with found%' and datname = current_database() order by pid`,
    );
    return rows.map(({ began }) => began);
  };
  const before = new Set(await last());
  await work();
  return (await last()).filter((began) => !before.has(began)).length;
};

/** From when nothing is pending any more. */
const untilQuick = async (): Promise<void> => {
  await until(async () => (await quickOnes(ask)) === 1, 'the main thread calculates it');
};

const members = async ({ snapshot }: CalculationResource): Promise<string[]> =>
  (await snapshotMembers(database.pool, parseId('snapshot', snapshot ?? ''))).members;

test('the first is calculated by a thread, and the ones after it by the main thread', async () => {
  expect(await quickOnes(ask)).toBe(0);
  await untilQuick();
  const done = await ask();
  expect(done).toMatchObject({ state: 'succeeded', members: 4, population: 10, entered: 0, left: 0, attempts: 1 });
  expect(await members(done)).toEqual(['u0', 'u1', 'u2', 'u3']);
  const { query, store, total } = done.timingsMs;
  expect(total ?? 0).toBeGreaterThanOrEqual((query ?? 0) + (store ?? 0));
  expect(service.records.every(({ outcome }) => outcome === 'succeeded')).toBe(true);
  expect(service.calculations.utilisation()).toMatchObject({ busy: 0, waiting: 0 });
});

test('what is pending is seen, and it is quick again when nothing is', async () => {
  await untilQuick();
  await addUsers(database, workspaceId, 3, () => ({ plan: 'pro' }), 20);
  expect(await ask()).toMatchObject({ state: 'succeeded', members: 7, population: 13, entered: 3, left: 0 });
  await untilQuick();
  expect(await ask()).toMatchObject({ members: 7, entered: 0 });
});

test('an edited segment, and another one of the same key, are calculated as they are now', async () => {
  await untilQuick();
  await service.segments.update(workspaceId, 'some', { condition: isPlan('free') });
  expect(await ask()).toMatchObject({ state: 'succeeded', members: 6, entered: 6, left: 4 });
  await untilQuick();
  await service.segments.delete(workspaceId, 'some');
  await expect(ask()).rejects.toMatchObject({ status: 404 });
  await service.segments.create(workspaceId, { key: 'some', name: 'some', condition: isPlan('pro') });
  expect(await ask()).toMatchObject({ state: 'succeeded', members: 4, entered: 4, left: 0 });
});

test('many at once are all answered, each from a snapshot of its own or one that it joined', async () => {
  await untilQuick();
  const all = await Promise.all(Array.from({ length: 12 }, () => ask()));
  expect(all.map(({ state, members }) => ({ state, members }))).toEqual(
    all.map(() => ({ state: 'succeeded', members: 4 })),
  );
  const { rows } = await database.pool.query<{ broken: number }>(
    `select count(*)::integer as broken from (
       select previous_id, lag(id) over (partition by segment_id order by id) as before from snapshots
     ) s where previous_id is distinct from before`,
  );
  expect(rows).toEqual([{ broken: 0 }]);
});

test('one that is cancelled while it runs writes nothing', async () => {
  await untilQuick();
  const count = async (): Promise<unknown> => (await database.pool.query('select count(*) from snapshots')).rows;
  const before = await count();
  const blocker = await database.pool.connect();
  try {
    await blocker.query('begin; lock table snapshots in exclusive mode');
    const asked = ask();
    let id = '';
    await until(async () => {
      const { calculations } = await service.calculations.list(workspaceId, { state: 'running' });
      id = calculations[0]?.id ?? '';
      return id !== '';
    }, 'it runs');
    await service.calculations.cancel(workspaceId, id);
    expect(await asked).toMatchObject({ state: 'cancelled' });
  } finally {
    await blocker.query('rollback');
    blocker.release();
  }
  expect(await count()).toEqual(before);
  expect(await ask()).toMatchObject({ state: 'succeeded', members: 4 });
});

test('a lost connection costs nothing but time', async () => {
  await untilQuick();
  await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'evenkeel quick' and datname = current_database()`,
  );
  expect(await ask()).toMatchObject({ state: 'succeeded', members: 4 });
  await untilQuick();
});
