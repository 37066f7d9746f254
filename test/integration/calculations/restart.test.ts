import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPool } from '../../../src/database/connect.ts';
import { type Embedded, startEmbedded } from '../../../src/database/embedded.ts';
import { migrate } from '../../../src/database/migrate.ts';
import type { TestDatabase } from '../../support/database.ts';
import { addUsers, blockStoring, type Service, startService, until, untilState } from './service.ts';

/** On a server of its own, which is stopped in the middle of things and comes back. */

const PRO = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' };

let directory: string;
let server: Embedded;
let database: TestDatabase;
let service: Service;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'evenkeel-restart-'));
  chmodSync(directory, 0o711);
  server = await startEmbedded({ directory, settings: { fsync: 'off' }, initdbFlags: ['--no-sync'] });
  await migrate(server.url);
  const pool = openPool(server.url);
  database = { url: server.url, pool, drop: () => pool.end() };
  service = await startService(database);
  await addUsers(database, service.workspaceId, 20, (i) => (i % 2 === 0 ? { plan: 'pro' } : {}));
}, 60_000);
afterAll(async () => {
  await service.stop();
  await database.drop();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const comesBack = (pidBefore: number): Promise<void> =>
  until(
    async () => {
      if (server.pid === pidBefore) return false;
      try {
        await database.pool.query('select');
        return true;
      } catch {
        return false;
      }
    },
    'the server is back',
    30_000,
  );

test.each(['SIGINT', 'SIGKILL'] as const)(
  'a server that goes away (%s) while one runs and others wait: when it is back, all of them run',
  async (signal) => {
    const keys = Array.from({ length: 8 }, (_, i) => `${signal.toLowerCase()}-${i}`);
    for (const key of keys) await service.segments.create(service.workspaceId, { key, name: key, condition: PRO });
    const release = await blockStoring(database);
    const asked = await Promise.all(keys.map((key) => service.calculations.request(service.workspaceId, key, {})));
    await until(async () => {
      const { calculations } = await service.calculations.list(service.workspaceId, { state: 'running' });
      return calculations.length === 2;
    }, 'two of them run');
    const { pid } = server;
    process.kill(pid, signal);
    await release();
    await comesBack(pid);
    for (const { id } of asked) expect(await untilState(service, id, 'succeeded')).toMatchObject({ members: 10 });
  },
  60_000,
);

test('a request that a crash has lost before it was answered is asked for again, under another id', async () => {
  await service.segments.create(service.workspaceId, { key: 'waited', name: 'waited', condition: PRO });
  const release = await blockStoring(database);
  const waiting = service.calculations.request(service.workspaceId, 'waited', { wait: 30_000 });
  const running = () =>
    database.pool.query<{ id: number }>(
      `select id from calculations where segment_key = 'waited' and state = 'running'`,
    );
  await until(async () => (await running()).rows.length === 1, 'it runs');
  const { pid } = server;
  process.kill(pid, 'SIGKILL');
  await release();
  await comesBack(pid);
  // Whether the crash has lost it is chance, so it is made sure of.
  await database.pool.query(`delete from calculations where segment_key = 'waited'`);
  expect(await waiting).toMatchObject({ state: 'succeeded', members: 10 });
}, 60_000);

test('a request whose waiting ends before it does is on the disk when that is said', async () => {
  await service.segments.create(service.workspaceId, { key: 'slow', name: 'slow', condition: PRO });
  const release = await blockStoring(database);
  const asked = await service.calculations.request(service.workspaceId, 'slow', { wait: 100 });
  expect(asked.state).toBe('running');
  const { pid } = server;
  process.kill(pid, 'SIGKILL');
  await release();
  await comesBack(pid);
  expect(await untilState(service, asked.id, 'succeeded')).toMatchObject({ members: 10 });
}, 60_000);
