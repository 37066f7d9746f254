import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { Program } from '../../support/program.ts';

/** The whole service is killed, again and again, while it is written to and asked: nothing that it has acknowledged may be lost. */

const KILLS = 3;
const CALLERS = 4;
const SEGMENTS = 3;
/** Each life is long enough for several calculations on a busy machine, and ends in the middle of some. */
const ACKNOWLEDGED_A_LIFE = 30;

let database: TestDatabase;
let service: Program | undefined;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  service?.child.kill('SIGKILL');
  await service?.ended;
  await database.drop();
});

const start = async (): Promise<string> => {
  service = new Program(['serve'], { DATABASE_URL: database.url, PORT: '0', EVENKEEL_WORKERS: '2' });
  return service.says(/ready at (\S+)/);
};

const call = async (url: string, path: string, body?: unknown): Promise<unknown> => {
  const response = await fetch(
    `${url}${path}`,
    body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) },
  );
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
};

interface Calculation {
  readonly id: string;
  readonly state: string;
}

/** What has had its 2xx. */
const users = new Set<string>();
const calculations = new Set<string>();

/** Writes and asks until the connection breaks. One without `wait` is on the disk when it is answered; one with it is done. */
const callAgainAndAgain = async (url: string, caller: number, onAcknowledged: () => void): Promise<void> => {
  for (let turn = 0; ; turn += 1) {
    try {
      const userId = `user-${caller}-${users.size}-${turn}`;
      await call(url, '/v1/identify', { userId, traits: { plan: 'pro' } });
      users.add(userId);
      const wait = turn % 2 === 0 ? {} : { wait: 5_000 };
      const path = `/v1/segments/pro-${turn % SEGMENTS}/calculations`;
      calculations.add(((await call(url, path, { trigger: 'manual', ...wait })) as Calculation).id);
      onAcknowledged();
    } catch (error) {
      // How fetch says that nobody is there, or not any more. It is another realm's class in jest.
      if ((error as Error).name === 'TypeError') return;
      throw error;
    }
  }
};

const liveAndDie = async (url: string): Promise<void> => {
  let acknowledged = 0;
  const onAcknowledged = (): void => {
    acknowledged += 1;
    if (acknowledged === ACKNOWLEDGED_A_LIFE) service?.child.kill('SIGKILL');
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, caller) => callAgainAndAgain(url, caller, onAcknowledged)));
  await service?.ended;
};

const settled = async (url: string, id: string): Promise<Calculation> => {
  for (;;) {
    const calculation = (await call(url, `/v1/calculations/${id}`)) as Calculation;
    if (!['queued', 'running'].includes(calculation.state)) return calculation;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** Snapshots whose chunks do not hold as many members as they say. */
const HALF_STORED = `
  select n.id from snapshots n
  left join lateral (select coalesce(sum(bit_count(c.bits)), 0)::integer as members
    from snapshot_chunks c where c.snapshot_id = n.id) stored on true
  where n.members <> stored.members`;

test('no acknowledged user and no acknowledged calculation is lost, and no snapshot is half stored', async () => {
  let url = await start();
  for (let n = 0; n < SEGMENTS; n += 1) {
    const condition = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' };
    await call(url, '/v1/segments', { key: `pro-${n}`, name: `pro ${n}`, condition });
  }
  for (let kill = 0; kill < KILLS; kill += 1) {
    await liveAndDie(url);
    url = await start();
  }
  expect(users.size).toBeGreaterThanOrEqual(KILLS * ACKNOWLEDGED_A_LIFE);
  const states = await Promise.all([...calculations].map(async (id) => (await settled(url, id)).state));
  expect(states.filter((state) => state !== 'succeeded')).toEqual([]);

  await call(url, '/v1/segments/pro-0/calculations', { trigger: 'manual', wait: 30_000 });
  const members = await (
    await fetch(`${url}/v1/segments/pro-0/members`, { headers: { accept: 'application/x-ndjson' } })
  ).text();
  const found = new Set(
    members
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { userId: string }).userId),
  );
  expect([...users].filter((userId) => !found.has(userId))).toEqual([]);
  expect((await database.pool.query(HALF_STORED)).rows).toEqual([]);
}, 240_000);
