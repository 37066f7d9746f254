import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { isLockTimeout } from '../database/errors.ts';
import type { Queryable } from '../database/port.ts';
import { transaction } from '../database/transaction.ts';
import { FIRST_PARTITION_YEAR, LAST_PARTITION_YEAR, PARTITION_ATTEMPTS, PARTITION_LOCK_TIMEOUT_MS } from './limits.ts';

/** Held by the one process that makes partitions of `events`. The number is 'evpt' in ASCII. */
const PARTITION_LOCK = 0x65767074;

/** Made once, there for ever: remembered as long as the pool lives. */
const known = new WeakMap<pg.Pool, Set<number>>();

/** Months since 1970-01, or undefined where the moment belongs to the default partition. */
export const partitionOf = (ms: number): number | undefined => {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  if (!(year >= FIRST_PARTITION_YEAR && year <= LAST_PARTITION_YEAR)) return undefined;
  return (year - 1970) * 12 + date.getUTCMonth();
};

const firstDay = (month: number): string => new Date(Date.UTC(1970, month, 1)).toISOString().slice(0, 10);
const nameOf = (month: number): string => `events_${firstDay(month).slice(0, 7).replace('-', '_')}`;

/**
 * Sees to it that events of these months (see `partitionOf`) have a partition. In transactions of its own, and by `attach`,
 * which lets others go on reading and writing all partitions but the default one.
 *
 * @throws what PostgreSQL gives; a lock timeout where others have not let go of the default partition for half a minute
 */
export const ensurePartitions = async (pool: pg.Pool, months: Iterable<number>): Promise<void> => {
  let made = known.get(pool);
  if (made === undefined) known.set(pool, (made = new Set()));
  for (const month of months) {
    if (made.has(month)) continue;
    await makePartition(pool, month);
    made.add(month);
  }
};

/** By a scan of the catalogue: `to_regclass` may answer from what the session remembered before it waited for the lock. */
const isThere = async (db: Queryable, name: string): Promise<boolean> => {
  const { rows } = await db.query<{ there: boolean }>(
    `select exists (
       select from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'events'::regclass and c.relname = $1) as there`,
    [name],
  );
  return rows[0]?.there === true;
};

const makePartition = async (pool: pg.Pool, month: number): Promise<void> => {
  if (await isThere(pool, nameOf(month))) return;
  for (let attempt = 1; ; attempt++) {
    try {
      await transaction(pool, (client) => attach(client, month));
      return;
    } catch (error) {
      if (!isLockTimeout(error) || attempt >= PARTITION_ATTEMPTS) throw error;
      await sleep(Math.random() * PARTITION_LOCK_TIMEOUT_MS);
    }
  }
};

const attach = async (client: pg.PoolClient, month: number): Promise<void> => {
  const name = nameOf(month);
  await client.query('select pg_advisory_xact_lock($1)', [PARTITION_LOCK]);
  if (await isThere(client, name)) return;
  await client.query(`set local lock_timeout = ${PARTITION_LOCK_TIMEOUT_MS}`);
  // names and bounds are made of the number alone
  await client.query(`create table ${name} (like events including defaults including constraints)`);
  await client.query(
    `alter table events attach partition ${name}
     for values from ('${firstDay(month)} 00:00:00+00') to ('${firstDay(month + 1)} 00:00:00+00')`,
  );
};
