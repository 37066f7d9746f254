import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { openClient, openPool } from '../../src/database/connect.ts';

/** A connection that was just closed stays in `pg_stat_activity` for a moment. */
const CLOSING_TIMEOUT_MS = 3_000;
const POLL_MS = 20;
const POOL_SIZE = 10;

export interface TestDatabase {
  readonly url: string;
  readonly pool: pg.Pool;
  /** Ends the pool and drops the database. Throws where the code under test has left a connection open. */
  drop(): Promise<void>;
}

const fromSetup = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing: jest's global setup starts PostgreSQL`);
  return value;
};

const openConnections = async (admin: pg.Client, database: string): Promise<string[]> => {
  const { rows } = await admin.query<{ what: string }>(
    `select format('%s (%s): %s', application_name, state, left(query, 120)) as what
       from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
    [database],
  );
  return rows.map(({ what }) => what);
};

const leakedConnections = async (admin: pg.Client, database: string): Promise<string[]> => {
  const deadline = Date.now() + CLOSING_TIMEOUT_MS;
  for (;;) {
    const open = await openConnections(admin, database);
    if (open.length === 0 || Date.now() > deadline) return open;
    await sleep(POLL_MS);
  }
};

/** A migrated database of its own, cloned from the run's template in about 50 ms. */
export const createTestDatabase = async (): Promise<TestDatabase> => {
  const server = fromSetup('EVENKEEL_TEST_SERVER');
  const template = fromSetup('EVENKEEL_TEST_TEMPLATE');
  const database = `evenkeel_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  const asAdmin = async <T>(work: (admin: pg.Client) => Promise<T>): Promise<T> => {
    const admin = await openClient(server, { applicationName: 'evenkeel test' });
    try {
      return await work(admin);
    } finally {
      await admin.end();
    }
  };
  await asAdmin((admin) => admin.query(`create database ${database} template ${template}`));
  const location = new URL(server);
  location.pathname = `/${database}`;
  const url = location.href;
  const pool = openPool(url, { max: POOL_SIZE, applicationName: 'evenkeel test' });
  return {
    url,
    pool,
    drop: async () => {
      await pool.end();
      await asAdmin(async (admin) => {
        const leaked = await leakedConnections(admin, database);
        await admin.query(`drop database ${database} with (force)`);
        if (leaked.length > 0) throw new Error(`${leaked.length} connections were left open:\n${leaked.join('\n')}`);
      });
    },
  };
};
