import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Calculations, type CalculationsOptions } from '../../../src/calculations/calculations.ts';
import type { CalculationRecord } from '../../../src/calculations/records.ts';
import type { CalculationResource } from '../../../src/calculations/resources.ts';
import { Segments } from '../../../src/calculations/segments.ts';
import { Snapshots } from '../../../src/calculations/snapshots.ts';
import { silentLog } from '../../../src/core/log.ts';
import { ensureProperties } from '../../../src/index/catalogue.ts';
import { EVERY_ORDINAL, POPULATION_PATH, shardOf } from '../../../src/index/layout.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createWorkspace } from '../../support/workspace.ts';

/** The room as a process has it, over one workspace of a test's own. */
export interface Service {
  readonly workspaceId: number;
  readonly calculations: Calculations;
  readonly segments: Segments;
  readonly snapshots: Snapshots;
  /** What monitoring heard. */
  readonly records: CalculationRecord[];
  stop(): Promise<void>;
}

export const startService = async (
  database: TestDatabase,
  options: Partial<CalculationsOptions> & { workspaceId?: number } = {},
): Promise<Service> => {
  const { workspaceId = await createWorkspace(database.pool, randomUUID()), ...overrides } = options;
  const records: CalculationRecord[] = [];
  const { url, pool } = database;
  const calculations = new Calculations({
    url,
    pool,
    log: silentLog,
    threads: 2,
    onCalculation: (record) => records.push(record),
    ...overrides,
  });
  await calculations.start();
  return {
    workspaceId,
    calculations,
    segments: new Segments({ pool, signals: calculations.signals }),
    snapshots: new Snapshots({ pool, log: silentLog }),
    records,
    stop: () => calculations.stop(),
  };
};

/** Users `u0`, `u1`… with the properties that `of` gives them, noted as pending as a writer does. */
export const addUsers = async (
  { pool }: TestDatabase,
  workspaceId: number,
  count: number,
  of: (i: number) => Record<string, unknown>,
  first = 0,
): Promise<void> => {
  const ordinals = Array.from({ length: count }, (_, i) => first + i);
  const rows = ordinals.map(of);
  const paths = new Set([POPULATION_PATH, ...rows.flatMap(Object.keys)]);
  const properties = await ensureProperties(pool, workspaceId, [...paths]);
  const shards = ordinals.map((ordinal) => shardOf(workspaceId, ordinal));
  const externalIds = ordinals.map((ordinal) => `u${ordinal}`);
  await pool.query(
    `with given as (
       select * from unnest($2::bigint[], $3::integer[], $4::text[], $5::jsonb[]) as g (shard, ordinal, external_id, properties)
     ), keyed as (
       insert into user_keys select $1::integer, external_id, ordinal from given on conflict do nothing
     ), stored as (
       insert into users (shard, ordinal, external_id, properties) select shard, ordinal, external_id, properties from given
       on conflict (shard, ordinal) do update set properties = excluded.properties
     )
     insert into pending_properties (shard, property_id, ordinal)
     select distinct shard, property_id, ${EVERY_ORDINAL} from given, unnest($6::integer[]) as property_id`,
    [workspaceId, shards, ordinals, externalIds, rows.map((row) => JSON.stringify(row)), [...properties.values()]],
  );
};

export const until = async (
  holds: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 15_000,
): Promise<void> => {
  for (const giveUpAt = Date.now() + timeoutMs; !(await holds()); await sleep(10))
    if (Date.now() > giveUpAt) throw new Error(`waited in vain until ${what}`);
};

export const untilState = async (
  { calculations, workspaceId }: Service,
  id: string,
  ...states: string[]
): Promise<CalculationResource> => {
  let calculation = await calculations.get(workspaceId, id);
  await until(
    async () => {
      calculation = await calculations.get(workspaceId, id);
      return states.includes(calculation.state);
    },
    `${id} is ${states.join(' or ')} (it is ${calculation.state})`,
  );
  return calculation;
};

/** Nobody can store a membership until this is let go of: a calculation that never ends by itself. */
export const blockStoring = async ({ pool }: TestDatabase): Promise<() => Promise<void>> => {
  const client = await pool.connect();
  await client.query('begin');
  await client.query('lock table snapshot_chunks in access exclusive mode');
  let held = true;
  return async () => {
    if (!held) return;
    held = false;
    let broken: Error | undefined;
    await client.query('rollback').catch((error: Error) => {
      broken = error;
    });
    client.release(broken);
  };
};

/** Backends of calculations that now wait for what `blockStoring` holds. */
export const calculatingBackends = async ({ pool }: TestDatabase): Promise<number[]> => {
  const { rows } = await pool.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where datname = current_database() and application_name = 'evenkeel worker' and wait_event_type = 'Lock'`,
  );
  return rows.map(({ pid }) => pid);
};
