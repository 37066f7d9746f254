import { randomUUID } from 'node:crypto';
import { LEASE_MS, MAX_ATTEMPTS } from '../../../src/calculations/limits.ts';
import { sql } from '../../../src/database/sql.ts';
import { transaction } from '../../../src/database/transaction.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace, defineSegment } from '../../support/workspace.ts';

/** The queue's statements by themselves: their order, and what two who run them at once do to each other. */

const CONDITION = { type: 'all', of: [] };
const REQUEST = sql('calculations-request');
const CLAIM = sql('calculations-claim');
const RECOVER = sql('calculations-recover');

let database: TestDatabase;
let workspaceId: number;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool.query('truncate calculations');
  workspaceId = await createWorkspace(database.pool, randomUUID());
});

const request = async (
  key: string,
  trigger = 'api',
  deadline: string | null = null,
  onLate = 'wait',
): Promise<number> => {
  await defineSegment(database.pool, workspaceId, key, CONDITION);
  const { rows } = await database.pool.query<{ id: number }>(REQUEST, [workspaceId, key, trigger, deadline, onLate]);
  return rows[0]?.id ?? 0;
};
const claim = async (limit: number): Promise<{ id: number; segment_key: string; attempts: number }[]> =>
  (await database.pool.query(CLAIM, [randomUUID(), limit])).rows;
const stateOf = async (id: number): Promise<unknown> =>
  (await database.pool.query('select state, attempts, error from calculations where id = $1', [id])).rows[0];

test('claimed first: the earliest deadline, then newsletters, people, the API, schedules, and of those who asked first', async () => {
  await request('schedule', 'schedule');
  await request('api', 'api');
  await request('manual', 'manual');
  await request('newsletter-1', 'newsletter');
  await request('newsletter-2', 'newsletter');
  await request('later', 'newsletter', '2030-01-02T00:00:00Z');
  await request('sooner', 'schedule', '2030-01-01T00:00:00Z');
  const order = [];
  for (let i = 0; i < 7; i += 1) order.push((await claim(1))[0]?.segment_key);
  expect(order).toEqual(['sooner', 'later', 'newsletter-1', 'newsletter-2', 'manual', 'api', 'schedule']);
  expect(await claim(1)).toEqual([]);
});

test('whoever asks while one waits joins it, with the earliest deadline and the most urgent trigger of all', async () => {
  const id = await request('a', 'schedule', '2030-01-02T00:00:00Z');
  expect(await request('a', 'manual', null)).toBe(id);
  expect(await request('a', 'newsletter', '2030-01-01T00:00:00Z', 'use_latest')).toBe(id);
  expect(await request('a', 'api', '2030-01-03T00:00:00Z')).toBe(id);
  const { rows } = await database.pool.query('select trigger, deadline, on_late from calculations');
  expect(rows).toEqual([{ trigger: 'newsletter', deadline: new Date('2030-01-01T00:00:00Z'), on_late: 'use_latest' }]);
});

test('whoever asks while one runs gets another one, which waits until that one has ended', async () => {
  const id = await request('a');
  expect((await claim(5)).map((row) => row.id)).toEqual([id]);
  const next = await request('a');
  expect(next).not.toBe(id);
  expect(await claim(5)).toEqual([]);
  await database.pool.query(`update calculations set state = 'succeeded' where id = $1`, [id]);
  expect((await claim(5)).map((row) => row.id)).toEqual([next]);
});

test('a request made while its calculation is being claimed never joins it', async () => {
  const id = await request('a');
  const [, joined] = await transaction(database.pool, async (client) => {
    await client.query(CLAIM, [randomUUID(), 1]);
    const asked = request('a');
    await new Promise((resolve) => setTimeout(resolve, 100));
    return [undefined, asked.then((other) => other)] as const;
  }).then(async ([, asked]) => [undefined, await asked] as const);
  expect(joined).not.toBe(id);
  expect(await stateOf(id)).toMatchObject({ state: 'running' });
  expect(await stateOf(joined)).toMatchObject({ state: 'queued' });
});

test('a retry waits for its time, and does not run beside a newer request of its segment', async () => {
  const retried = await request('a');
  await database.pool.query(
    `update calculations set attempts = 1, run_after = clock_timestamp() + interval '1 hour' where id = $1`,
    [retried],
  );
  expect(await claim(5)).toEqual([]);
  await database.pool.query(`update calculations set run_after = '-infinity' where id = $1`, [retried]);
  const newer = await request('a');
  expect(newer).not.toBe(retried);
  expect((await claim(5)).map((row) => row.id)).toEqual([retried]);
  expect(await claim(5)).toEqual([]);
});

test('an edit that is going on keeps its segment out of claims until it is done', async () => {
  await request('a');
  await transaction(database.pool, async (client) => {
    await client.query('update segments set version = version + 1 where workspace_id = $1', [workspaceId]);
    expect(await claim(1)).toEqual([]);
  });
  expect(await claim(1)).toHaveLength(1);
});

test('many who claim at once claim each calculation once, and never two of one segment', async () => {
  for (let i = 0; i < 30; i += 1) {
    const id = await request(`s${i}`);
    if (i % 3 === 0) {
      await database.pool.query('update calculations set attempts = 1 where id = $1', [id]);
      await request(`s${i}`);
    }
  }
  const claimed: string[] = [];
  const claimer = async (): Promise<void> => {
    for (;;) {
      // Two claims of two rows of one segment: the unique index refuses one of them, and the dispatcher tries again.
      const rows = await claim(3).catch((error: { code: string }) =>
        error.code === '23505' ? undefined : Promise.reject(error),
      );
      if (rows?.length === 0) return;
      claimed.push(...(rows ?? []).map((row) => row.segment_key));
    }
  };
  await Promise.all(Array.from({ length: 6 }, claimer));
  expect(claimed.sort()).toEqual(Array.from({ length: 30 }, (_, i) => `s${i}`).sort());
});

test('a silent process loses what it runs, a live one keeps it', async () => {
  const [live, dead, unknown] = [randomUUID(), randomUUID(), randomUUID()];
  await database.pool.query(
    `insert into processes (id, heartbeat_at) values ($1, now()), ($2, now() - make_interval(secs => $3::float8 / 1000))`,
    [live, dead, LEASE_MS + 1_000],
  );
  const ids = [];
  for (const owner of [live, dead, unknown]) {
    const id = await request(`of-${owner}`);
    await database.pool.query(CLAIM, [owner, 1]);
    ids.push(id);
  }
  const spent = await request('spent');
  await database.pool.query(CLAIM, [dead, 1]);
  await database.pool.query('update calculations set attempts = $2 where id = $1', [spent, MAX_ATTEMPTS]);
  await database.pool.query(RECOVER, [randomUUID(), LEASE_MS, [], 5_000, MAX_ATTEMPTS]);
  expect(await Promise.all(ids.map(stateOf))).toMatchObject([
    { state: 'running' },
    { state: 'queued', attempts: 1 },
    { state: 'queued', attempts: 1 },
  ]);
  expect(await stateOf(spent)).toMatchObject({ state: 'failed', error: { code: 'process_lost' } });
});

test('a process takes back what it does not know that it runs, once the claim cannot be on its way any more', async () => {
  const mine = randomUUID();
  await database.pool.query('insert into processes (id) values ($1)', [mine]);
  const [held, lost, fresh] = [await request('held'), await request('lost'), await request('fresh')];
  await database.pool.query(CLAIM, [mine, 3]);
  await database.pool.query(`update calculations set started_at = now() - interval '1 minute' where id <> $1`, [fresh]);
  await database.pool.query(RECOVER, [mine, LEASE_MS, [held], 5_000, MAX_ATTEMPTS]);
  expect(await Promise.all([held, lost, fresh].map(stateOf))).toMatchObject([
    { state: 'running' },
    { state: 'queued' },
    { state: 'running' },
  ]);
});

test('the order of claims comes from an index, also behind a long queue', async () => {
  await defineSegment(database.pool, workspaceId, 'a', CONDITION);
  await database.pool.query(
    `insert into segments (workspace_id, key, name, condition)
     select $1, 's' || i, 's', '{"type":"all","of":[]}' from generate_series(1, 5000) i`,
    [workspaceId],
  );
  await database.pool.query(
    `insert into calculations (workspace_id, segment_id, segment_key, trigger)
     select workspace_id, id, key, 'api' from segments where workspace_id = $1`,
    [workspaceId],
  );
  await database.pool.query('analyze calculations, segments');
  const { rows } = await database.pool.query<{ 'QUERY PLAN': unknown }>(`explain (format json) ${CLAIM}`, [
    randomUUID(),
    2,
  ]);
  const nodes = nodesOf(rows[0]?.['QUERY PLAN']);
  expect(nodes).toContainEqual(expect.objectContaining({ 'Index Name': 'calculations_waiting' }));
  const locking = nodes.find((node) => node['Node Type'] === 'LockRows');
  expect(nodesOf(locking).map((node) => node['Node Type'])).not.toContain('Sort');
});

type PlanNode = Record<string, unknown>;
const nodesOf = (plan: unknown): PlanNode[] => {
  if (typeof plan !== 'object' || plan === null) return [];
  const below = Object.values(plan).flatMap(nodesOf);
  return 'Node Type' in plan ? [plan, ...below] : below;
};
