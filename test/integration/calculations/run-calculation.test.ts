import { randomUUID } from 'node:crypto';
import { MAX_PREPARED } from '../../../src/calculations/limits.ts';
import { Memory } from '../../../src/calculations/memory.ts';
import { explain } from '../../../src/calculations/explain.ts';
import { preview } from '../../../src/calculations/questions.ts';
import { isMember } from '../../../src/calculations/why.ts';
import { CalculationError, runCalculation } from '../../../src/calculations/run-calculation.ts';
import { CancelledError, Session } from '../../../src/calculations/session.ts';
import type { CalculateTask } from '../../../src/calculations/tasks.ts';
import { claim } from '../../support/claim.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace, defineSegment, pendingCount, snapshotMembers } from '../../support/workspace.ts';
import { addUsers } from './service.ts';

/** What a worker thread does, done here: coverage does not see into threads. */

const PRO = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' } as const;

let database: TestDatabase;
let session: Session;
let workspaceId: number;
const memory = new Memory();

beforeAll(async () => {
  database = await createTestDatabase();
  session = new Session({ url: database.url, statementTimeoutMs: 20_000 });
});
afterAll(async () => {
  await session.reset();
  await database.drop();
});
beforeEach(async () => {
  workspaceId = await createWorkspace(database.pool, randomUUID());
  await defineSegment(database.pool, workspaceId, 'pro', PRO);
  await addUsers(database, workspaceId, 8, (i) => (i % 2 === 0 ? { plan: 'pro' } : {}));
});

const claimed = async (trigger: 'api' | 'newsletter' = 'api'): Promise<CalculateTask> => {
  const { id, segmentId, processId, attempt } = await claim(database.pool, workspaceId, 'pro', trigger);
  return { kind: 'calculate', id, workspaceId, segmentId, segmentKey: 'pro', trigger, processId, attempt };
};
const running = async (task: CalculateTask) => runCalculation(await session.begin(), task, memory);

test('folds what its condition has pending, and stores snapshot, membership and record together', async () => {
  const done = await running(await claimed('newsletter'));
  expect(done).toMatchObject({
    outcome: 'succeeded',
    population: 8,
    members: 4,
    entered: 4,
    left: 0,
    segmentVersion: 1,
  });
  expect(await pendingCount(database.pool, workspaceId)).toBe(0);
  const { snapshotId } = done as { snapshotId: number };
  expect(await snapshotMembers(database.pool, snapshotId)).toEqual({ members: ['u0', 'u2', 'u4', 'u6'], bits: 4 });
  const { rows } = await database.pool.query('select pinned from snapshots where id = $1', [snapshotId]);
  expect(rows).toEqual([{ pinned: true }]);
});

test('takes no lock where nothing is pending for it', async () => {
  await running(await claimed());
  const locker = await database.pool.connect();
  try {
    await locker.query('begin');
    await locker.query('lock table slices in share row exclusive mode');
    await database.pool.query('update calculations set state = $1', ['succeeded']);
    expect(await running(await claimed())).toMatchObject({ outcome: 'succeeded', entered: 0, left: 0 });
  } finally {
    await locker.query('rollback');
    locker.release();
  }
});

test.each([
  ['cancelled', `update calculations set state = 'cancelled' where id = $1`],
  ['of a later attempt', 'update calculations set attempts = 2 where id = $1'],
  ['of another process', 'update calculations set process_id = null where id = $1'],
])('one that is %s leaves nothing behind', async (_, statement) => {
  const task = await claimed();
  await database.pool.query(statement, [task.id]);
  expect(await running(task)).toEqual({ outcome: 'lost' });
  const { rows } = await database.pool.query('select from snapshots where workspace_id = $1', [workspaceId]);
  expect(rows).toEqual([]);
});

test('a failure says what it failed of, with the kinds as far as they are known', async () => {
  const task = await claimed();
  await defineSegment(database.pool, workspaceId, 'pro', { type: 'segment', segment: 'gone' });
  const error = await running(task).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CalculationError);
  expect(error).toMatchObject({ cause: { status: 422, message: expect.stringContaining('gone') } });
});

test('a cancelled session refuses further statements until its next task', async () => {
  const client = await session.begin();
  const sleeping = client.query('select pg_sleep(20)');
  session.cancel();
  await expect(sleeping).rejects.toMatchObject({ code: '57014' });
  await expect(client.query('select 1')).rejects.toBeInstanceOf(CancelledError);
  const next = await session.begin();
  await expect(next.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] });
});

test('the connection is replaced when it has prepared too many statements', async () => {
  const backend = async (): Promise<number> =>
    (await (await session.begin()).query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0;
  const before = await backend();
  const client = await session.begin();
  for (let i = 0; i <= MAX_PREPARED; i += 1) await client.query(`select $1::integer + ${i}`, [i]);
  expect(await backend()).not.toBe(before);
});

test('previews and explanations fold too, and memberships need no folding', async () => {
  const client = await session.begin();
  await addUsers(database, workspaceId, 1, () => ({ plan: 'pro' }), 40_000);
  expect(await isMember(client, { kind: 'member', workspaceId, segmentKey: 'pro', userId: 'u40000' })).toMatchObject({
    member: true,
    condition: { ...PRO, holds: true },
  });
  expect(await pendingCount(database.pool, workspaceId)).toBeGreaterThan(0);
  expect(await preview(client, { kind: 'preview', workspaceId, condition: PRO, sample: 2 })).toMatchObject({
    population: 9,
    members: 5,
    sample: ['u0', 'u2'],
  });
  expect(await pendingCount(database.pool, workspaceId)).toBe(0);
  const explained = await explain(client, { kind: 'explain', workspaceId, condition: PRO, analyze: true });
  expect(explained).toMatchObject({ conditionKinds: ['property.equals'], expectedMs: expect.any(Number) });
});
