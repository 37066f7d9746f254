import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { isConnectionLost, openClient, openPool, transaction } from '../../../src/database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query('create table t (n integer primary key)');
});
beforeEach(() => database.pool.query('truncate t'));
afterAll(() => database.drop());

const numbers = async (): Promise<number[]> =>
  (await database.pool.query<{ n: number }>('select n from t order by n')).rows.map(({ n }) => n);

test('commits and hands on what the work gives', async () => {
  expect(
    await transaction(database.pool, async (client) => (await client.query('insert into t values (1)')).rowCount),
  ).toBe(1);
  expect(await numbers()).toEqual([1]);
});

test('rolls back where the work throws, and the connection can be used again', async () => {
  const pool = openPool(database.url, { max: 1 });
  const failing = transaction(pool, async (client) => {
    await client.query('insert into t values (1)');
    throw new Error('on purpose');
  });
  await expect(failing).rejects.toThrow('on purpose');
  expect(await numbers()).toEqual([]);
  await transaction(pool, (client) => client.query('insert into t values (2)'));
  expect(await numbers()).toEqual([2]);
  await pool.end();
});

test('a statement error that the work swallows is no commit', async () => {
  const swallowing = transaction(database.pool, async (client) => {
    await client.query('insert into t values (1)');
    await client.query('select 1 / 0').catch(() => undefined);
  });
  await expect(swallowing).rejects.toThrow('rolled back');
  expect(await numbers()).toEqual([]);
});

test('isolation and read only are asked for', async () => {
  const modes = await transaction(
    database.pool,
    async (client) =>
      (
        await client.query(
          `select current_setting('transaction_isolation') i, current_setting('transaction_read_only') r`,
        )
      ).rows[0],
    { isolation: 'repeatable read', readOnly: true },
  );
  expect(modes).toEqual({ i: 'repeatable read', r: 'on' });
});

test('a connection that is lost in the middle is thrown away', async () => {
  const pool = openPool(database.url, { max: 1 });
  const cut = transaction(pool, async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    await database.pool.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
    await client.query('insert into t values (1)');
  });
  expect(isConnectionLost(await cut.catch((error: unknown) => error))).toBe(true);
  await transaction(pool, (client) => client.query('insert into t values (2)'));
  expect(await numbers()).toEqual([2]);
  expect(pool.totalCount).toBe(1);
  await pool.end();
});

test('works on a client of one’s own, which stays open', async () => {
  const client = await openClient(database.url);
  await transaction(client, () => client.query('insert into t values (1)'));
  await transaction(client, () => client.query('insert into t values (2)'));
  await client.end();
  expect(await numbers()).toEqual([1, 2]);
});
