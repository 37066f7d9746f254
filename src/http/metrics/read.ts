import type pg from 'pg';
import type { CalculationsService } from '../../calculations/services.ts';
import { sql } from '../../database/sql.ts';
import { unattendedAlerts } from '../../monitoring/alerts/unattended.ts';
import { transaction } from '../../database/transaction.ts';
import type { HealthReadings } from './health.ts';
import type { OpenAlert } from './monitor.ts';
import type { ProcessReadings, WorkReadings } from './work.ts';

const QUEUE = sql('health-queue');
const PENDING = sql('health-pending');
const IMPORTS = sql('health-imports');
const SERVER = sql('health-server');
const TABLES = sql('health-tables');

const COUNTED_ROWS = 1_000_000;

/** Reading must not add to what it reads: where a lock or a slow disk holds it up, the figures are left out. */
const LIMITS = `set local statement_timeout = '2s'; set local lock_timeout = '200ms'`;

/** Those that grow with the data or change with each calculation. */
export const WATCHED_TABLES = [
  'calculations',
  'chunks',
  'dictionary',
  'event_slices',
  'events',
  'imports',
  'kept_bits',
  'list_ids',
  'message_keys',
  'monitor_facts',
  'monitor_freshness',
  'monitor_hours',
  'monitor_minutes',
  'pending_events',
  'pending_properties',
  'segments',
  'slices',
  'snapshot_chunks',
  'snapshots',
  'texts',
  'user_keys',
  'users',
] as const;

const first = <R>(rows: readonly R[]): R => {
  if (rows[0] === undefined) throw new Error('an aggregate without a row');
  return rows[0];
};

/** What waits and runs in all processes. Cheap enough to be asked at every scrape. */
export const readWork = (pool: pg.Pool): Promise<WorkReadings> =>
  transaction(
    pool,
    async (client) => {
      await client.query(LIMITS);
      const queue = first((await client.query<WorkReadings['queue']>(QUEUE)).rows);
      const pending = first((await client.query<WorkReadings['pending']>(PENDING, [COUNTED_ROWS])).rows);
      const imports = first((await client.query<WorkReadings['imports']>(IMPORTS)).rows);
      return { queue, pending, imports };
    },
    { readOnly: true },
  );

/** How PostgreSQL is: some milliseconds, more with thousands of partitions, as their files are looked at. */
export const readHealth = (pool: pg.Pool): Promise<HealthReadings> =>
  transaction(
    pool,
    async (client) => {
      await client.query(LIMITS);
      const server = first((await client.query<Omit<HealthReadings, 'tables'>>(SERVER)).rows);
      const { rows: tables } = await client.query<HealthReadings['tables'][number]>(TABLES, [[...WATCHED_TABLES]]);
      return { ...server, tables };
    },
    { readOnly: true },
  );

export const readProcess = (pool: pg.Pool, calculations: Pick<CalculationsService, 'utilisation'>): ProcessReadings => {
  const { threads, busy, waiting } = calculations.utilisation();
  const { totalCount, idleCount, waitingCount } = pool;
  return {
    threads,
    busyThreads: busy,
    waitingQuestions: waiting,
    connections: { total: totalCount, idle: idleCount, waiting: waitingCount },
  };
};

export const readUnattended = (pool: pg.Pool): Promise<OpenAlert[]> =>
  transaction(
    pool,
    async (client) => {
      await client.query(LIMITS);
      return unattendedAlerts(client, Date.now());
    },
    { readOnly: true },
  );
