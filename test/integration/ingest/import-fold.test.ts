import { randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPool } from '../../../src/database/connect.ts';
import { foldWorkspace, withFoldLock } from '../../../src/index/fold.ts';
import { readImportOptions } from '../../../src/ingest/imports/options.ts';
import { runImport } from '../../../src/ingest/imports/run.ts';
import { IMPORT_BATCH_LINES } from '../../../src/ingest/limits.ts';
import { eraseUser, mergeUser } from '../../../src/ingest/users.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace, pendingCount } from '../../support/workspace.ts';
import { decode } from '../index/decode.ts';
import { IndexWorld } from '../index/world.ts';

/** An import that brings its users into the bitmaps by itself. */

const TIMEOUT_MS = 180_000;
/** Two chunks of users, and a batch that is too small to be folded at once at the end. */
const USERS = 2 * IMPORT_BATCH_LINES + 300;

let database: TestDatabase;
let world: IndexWorld;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  const workspaceId = await createWorkspace(database.pool, randomUUID());
  world = new IndexWorld(database.pool, workspaceId);
});

const directory = mkdtempSync(join(tmpdir(), 'evenkeel-import-'));
const csv = (users: number, row: (i: number) => string): string =>
  `id,n,plan\n${Array.from({ length: users }, (_, i) => `u${i},${row(i)}\n`).join('')}`;
const FILE = csv(USERS, (i) => `${i % 7},${i % 3 === 0 ? 'pro' : ''}`);

const run = async (text: string, url = database.url): Promise<void> => {
  const processId = randomUUID();
  const path = join(directory, `${processId}.csv`);
  writeFileSync(path, text);
  const options = readImportOptions({ kind: 'users', format: 'csv', key: 'id' });
  const { rows } = await database.pool.query<{ id: number }>(
    `insert into imports (workspace_id, kind, format, options, path, state, process_id)
     values ($1, 'users', 'csv', $2, $3, 'running', $4) returning id`,
    [world.workspaceId, JSON.stringify(options), path, processId],
  );
  const pool = openPool(url, { max: 2, applicationName: 'import' });
  try {
    const end = await runImport(pool, { id: rows[0]?.id as number, processId });
    expect(end).toMatchObject({ outcome: 'succeeded', accepted: text.split('\n').length - 2 });
  } finally {
    await pool.end();
  }
};

const fold = async (): Promise<void> => {
  const client = await database.pool.connect();
  await foldWorkspace(client, world.workspaceId).finally(() => client.release());
};
const pending = (): Promise<number> => pendingCount(database.pool, world.workspaceId);
const expectExact = async (): Promise<void> =>
  expect(await decode(database.pool, world.workspaceId)).toEqual(await world.expected());

test(
  'nothing is pending but for a small rest, and the bitmaps are the rows; a second time nothing changes',
  async () => {
    await run(FILE);
    // the rest, and one mark a batch that says that somebody has come
    expect(await pending()).toBeLessThanOrEqual(300 * 3 + 2);
    await fold();
    await expectExact();
    await run(FILE);
    expect(await pending()).toBe(0);
    await expectExact();
  },
  TIMEOUT_MS,
);

test(
  'over users who are there, with finer numbers in the second file',
  async () => {
    await run(csv(1_500, (i) => `${i},old`));
    expect(await pending()).toBe(1);
    await run(csv(IMPORT_BATCH_LINES, (i) => `${i}.25,${i % 2 ? 'new' : ''}`));
    await fold();
    await expectExact();
  },
  TIMEOUT_MS,
);

test(
  'while others write to the same users, erase some, and fold',
  async () => {
    let done = false;
    const importing = run(FILE).finally(() => (done = true));
    const write = async (): Promise<void> => {
      for (let i = 0; !done; i++) {
        await mergeUser(database.pool, world.workspaceId, `u${(i * 911) % USERS}`, { plan: `p${i % 5}`, n: i / 4 });
        if (i % 20 === 10)
          await eraseUser(database.pool, world.workspaceId, `u${(i * 17) % USERS}`).catch(() => undefined);
      }
    };
    const foldAgain = async (): Promise<void> => {
      for (; !done; await sleep(50)) await fold();
    };
    await Promise.all([importing, write(), write(), foldAgain()]);
    await fold();
    expect(await pending()).toBe(0);
    await expectExact();
  },
  TIMEOUT_MS,
);

test(
  'leaves it to the next fold where somebody holds the lock',
  async () => {
    const client = await database.pool.connect();
    await withFoldLock(client, world.workspaceId, () => run(csv(1_500, (i) => `${i},x`)));
    client.release();
    expect(await pending()).toBeGreaterThan(1);
    await fold();
    await expectExact();
  },
  TIMEOUT_MS,
);

test(
  'goes on after its connections were lost',
  async () => {
    let done = false;
    const importing = run(FILE).finally(() => (done = true));
    let killed = 0;
    for (let i = 0; i < 4 && !done; i++) {
      await sleep(150);
      const { rowCount } = await database.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'import'`,
      );
      killed += rowCount ?? 0;
    }
    await importing;
    expect(killed).toBeGreaterThan(0);
    await fold();
    await expectExact();
  },
  TIMEOUT_MS,
);
