import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  checkServer,
  isCancelled,
  isConnectionLost,
  isStatementTimeout,
  openClient,
  openKnex,
  openPool,
} from '../../../src/database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** Ends every other connection of the database, as a restart of the server would. */
const cutConnections = async (): Promise<void> => {
  const admin = await openClient(database.url);
  await admin.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`,
  );
  await admin.end();
};

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

test('int8 is a number', async () => {
  const { rows } = await database.pool.query('select count(*) as n, 9007199254740991::bigint as large from workspaces');
  expect(rows).toEqual([{ n: 1, large: Number.MAX_SAFE_INTEGER }]);
});

test('connections say whose they are, and a name in the URL wins', async () => {
  const named = new URL(database.url);
  named.searchParams.set('application_name', 'mine');
  const names: unknown[] = [];
  for (const url of [database.url, named.href]) {
    const client = await openClient(url, { applicationName: 'evenkeel worker' });
    names.push((await client.query(`select current_setting('application_name') as name`)).rows[0]?.name);
    await client.end();
  }
  expect(names).toEqual(['evenkeel worker', 'mine']);
});

test('a pool survives the loss of idle and busy connections', async () => {
  const pool = openPool(database.url, { max: 2 });
  const busy = await pool.connect();
  await pool.query('select 1');
  const running = failureOf(busy.query('select pg_sleep(30)'));
  await cutConnections();
  expect(isConnectionLost(await running)).toBe(true);
  expect(isConnectionLost(await failureOf(busy.query('select 1')))).toBe(true);
  busy.release(true);
  expect((await pool.query('select 2 as n')).rows).toEqual([{ n: 2 }]);
  await pool.end();
});

test('a client that was cut off says so in its next statement and not before', async () => {
  const client = await openClient(database.url);
  await cutConnections();
  expect(isConnectionLost(await failureOf(client.query('select 1')))).toBe(true);
  await client.end();
});

test('nobody at the address is a lost connection', async () => {
  const nobody = new URL(database.url);
  nobody.port = '1';
  expect(isConnectionLost(await failureOf(openClient(nobody.href)))).toBe(true);
});

test('a timeout and a cancellation are told apart', async () => {
  const client = await openClient(database.url);
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  await client.query('set statement_timeout = 20');
  const timedOut = await failureOf(client.query('select pg_sleep(30)'));
  await client.query('set statement_timeout = 0');
  const running = failureOf(client.query('select pg_sleep(30)'));
  await database.pool.query('select pg_cancel_backend($1)', [rows[0]?.pid]);
  const cancelled = await running;
  await client.end();
  expect([isStatementTimeout(timedOut), isCancelled(timedOut)]).toEqual([true, false]);
  expect([isStatementTimeout(cancelled), isCancelled(cancelled)]).toEqual([false, true]);
});

test('knex reads by the same rules', async () => {
  const db = openKnex(database.url, { max: 1 });
  try {
    expect(await db('workspaces').count('* as n').first()).toEqual({ n: 1 });
  } finally {
    await db.destroy();
  }
});

test('a server that will do passes the check', async () => {
  const client = await openClient(database.url);
  try {
    await expect(checkServer(client)).resolves.toBeUndefined();
  } finally {
    await client.end();
  }
});

test('a server before 15 is refused in one line', async () => {
  const old = { query: async () => ({ rows: [{ number: '140011', version: '14.11', encoding: 'UTF8' }] }) };
  await expect(checkServer(old as never)).rejects.toThrow('DATABASE_URL is PostgreSQL 14.11: 15 or later is needed');
});
