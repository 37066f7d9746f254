import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type pg from 'pg';
import { EvenkeelError } from '../core/errors.ts';
import { type Log, silentLog } from '../core/log.ts';
import { checkServer, isLockTimeout, openClient, openKnex } from './connect.ts';
import { readSqlFolder } from './sql.ts';
import { transaction } from './transaction.ts';

/** Held by the one migrator of a database. The number is 'evnk' in ASCII. */
const MIGRATION_LOCK = 0x65766e6b;
/** How long to wait for another migrator, which may be rewriting a large table. */
const OTHER_MIGRATOR_TIMEOUT = '30min';
/** A migration that waits for a table makes everybody behind it wait too: rather give up soon and try again. */
const LOCK_TIMEOUT = '5s';
const LOCK_ATTEMPTS = 10;
const LOCK_PAUSE_MS = 1_000;

interface SqlMigration {
  readonly name: string;
  readonly text: string;
}

/** migrations/*.sql, named without the extension, so that no later change of format renames what was already run. */
const migrationSource: Knex.MigrationSource<SqlMigration> = {
  getMigrations: async () => readSqlFolder('migrations'),
  getMigrationName: ({ name }) => name,
  getMigration: async ({ name, text }) => ({
    up: async (db) => {
      await db.raw(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
      // knex takes a question mark for a parameter unless it is escaped.
      await db.raw(text.replaceAll('?', '\\?'));
    },
    down: async () => {
      throw new Error(`${name} cannot be undone: migrations only go forward`);
    },
  }),
};

const runMigrations = async (url: string, log: Log): Promise<void> => {
  const db = openKnex(url, { max: 1, applicationName: 'evenkeel migrate' });
  const config = { migrationSource };
  try {
    // A migrator that was killed leaves knex's own lock behind; ours tells that nobody else is at work.
    await db.migrate.forceFreeMigrationsLock(config);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const [, names] = (await db.migrate.latest(config)) as [number, string[]];
        for (const name of names) log.info({ migration: name }, 'migrated');
        return;
      } catch (error) {
        if (!isLockTimeout(error) || attempt >= LOCK_ATTEMPTS) throw error;
        log.warn({ attempt, of: LOCK_ATTEMPTS }, 'a migration waits for a lock that others hold; trying again');
        await sleep(LOCK_PAUSE_MS);
      }
    }
  } finally {
    await db.destroy();
  }
};

/** knex would call the folder corrupt. */
const refuseLaterVersion = async (client: pg.Client): Promise<void> => {
  const { rows: tables } = await client.query(`select from pg_tables where tablename = 'knex_migrations'`);
  if (tables.length === 0) return;
  const known = readSqlFolder('migrations').map(({ name }) => name);
  const { rows } = await client.query<{ names: string | null }>(
    `select string_agg(name, ', ' order by name) as names from knex_migrations where name <> all ($1::text[])`,
    [known],
  );
  const names = rows[0]?.names ?? null;
  if (names !== null)
    throw new EvenkeelError(500, 'later_database', `a later version of Evenkeel has migrated this database: ${names}`, {
      hint: 'start that version, or a database of its own',
    });
};

const createFunctions = (client: pg.Client): Promise<void> =>
  transaction(client, async () => {
    await client.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
    for (const { name, text } of readSqlFolder('sql', 'functions'))
      await client.query(text).catch((error: Error) => {
        error.message = `sql/functions/${name}.sql: ${error.message}`;
        throw error;
      });
  });

/**
 * Brings the database at `url` to this version: migrations that it lacks, all functions, the workspace `default`. Safe to
 * run by several at once: one works, the others wait and find nothing left to do.
 *
 * @throws where the server is too old, a migration fails, or its locks cannot be had
 */
export const migrate = async (url: string, log: Log = silentLog): Promise<void> => {
  const client = await openClient(url, { applicationName: 'evenkeel migrate' });
  try {
    await checkServer(client);
    await client.query(`set lock_timeout = '${OTHER_MIGRATOR_TIMEOUT}'`);
    // Of the session, so that it goes with the connection of a migrator that dies.
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await refuseLaterVersion(client);
    await runMigrations(url, log);
    await createFunctions(client);
    await client.query(
      `insert into workspaces (name)
       select 'default' where not exists (select from workspaces where name = 'default')`,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
};
