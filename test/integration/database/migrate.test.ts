import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { migrate } from '../../../src/database/migrate.ts';
import { readSqlFolder } from '../../../src/database/sql.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  await database.pool.query('drop schema public cascade; create schema public');
});
afterEach(() => database.drop());

const migrations = async (): Promise<unknown[]> =>
  (await database.pool.query('select name, batch from knex_migrations order by id')).rows;

const ALL = readSqlFolder('migrations').map(({ name }) => ({ name, batch: 1 }));

test('an empty database becomes a whole one, named without extensions', async () => {
  await migrate(database.url);
  expect(await migrations()).toEqual(ALL);
  expect((await database.pool.query('select id, name from workspaces')).rows).toEqual([{ id: 1, name: 'default' }]);
});

test('several at once: one works, the others find it done', async () => {
  await Promise.all(Array.from({ length: 4 }, () => migrate(database.url)));
  expect(await migrations()).toEqual(ALL);
  expect((await database.pool.query('select count(*) as n from workspaces')).rows).toEqual([{ n: 1 }]);
});

test('again changes nothing and leaves no gap in the ids', async () => {
  await migrate(database.url);
  await migrate(database.url);
  expect(await migrations()).toEqual(ALL);
  expect((await database.pool.query(`insert into workspaces (name) values ('second') returning id`)).rows).toEqual([
    { id: 2 },
  ]);
});

test('the lock that a killed migrator left in knex’ table does not stop the next', async () => {
  await migrate(database.url);
  await database.pool.query('update knex_migrations_lock set is_locked = 1');
  await migrate(database.url);
  expect((await database.pool.query('select is_locked from knex_migrations_lock')).rows).toEqual([{ is_locked: 0 }]);
});

test('a migration of a later version is left alone, with a clear word', async () => {
  await migrate(database.url);
  await database.pool.query(
    `insert into knex_migrations (name, batch, migration_time) values ('9999_later', 2, now())`,
  );
  await expect(migrate(database.url)).rejects.toThrow(/9999_later/);
});

test('every table has a primary key', async () => {
  await migrate(database.url);
  const { rows } = await database.pool.query(
    `select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and c.relkind in ('r', 'p')
        and not exists (select from pg_constraint where conrelid = c.oid and contype = 'p')`,
  );
  expect(rows).toEqual([]);
});
