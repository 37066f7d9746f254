import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { cpuOf } from './cpu.ts';
import { openClient } from '../../src/database/connect.ts';
import { detectorFrom } from '../../src/monitoring/live/detector.ts';
import { partitionedTables } from '../../src/monitoring/live/partitions.ts';
import { Watch } from '../../src/monitoring/live/watch.ts';

const RATE = 50;
const STEP_S = 10;
const STEPS = 60;
const SEGMENTS = 2_000;
const WORKSPACES = 31;
const KINDS = ['event.count', 'event.where', 'property.equals', 'property.is_set', 'property.number', 'property.text'];

export interface Cost {
  readonly calculations: number;
  readonly streamSeconds: number;
  /** Parts of one core, at `RATE` calculations a second. */
  readonly node: number;
  readonly postgres: number | null;
  readonly medianStepMs: number;
  readonly indexUsACalculation: number;
}

const INSERT = `
  insert into calculations (workspace_id, segment_id, segment_key, segment_version, trigger, state, requested_at, started_at, finished_at,
    attempts, queue_ms, freshen_ms, compile_ms, query_ms, store_ms, total_ms, population, members, condition_kinds)
  select s.workspace_id, s.id, s.key, 1, 'schedule', 'succeeded', t - interval '60 ms', t - interval '50 ms', t, 1, 10, 1, 1, 30, 5, d + 10,
         10000 + s.id, 100, s.kinds
  from (select $1::timestamptz + n * $2::double precision * interval '1 second' as t, exp(4 + 0.7 * random()) as d,
               1 + ($3::bigint + n * 7919) % ${SEGMENTS} as i
        from generate_series(0, $4::integer - 1) n) c
  join generated s on s.i = c.i`;

const prepare = async (client: pg.Client): Promise<void> => {
  await client.query(`insert into workspaces (name) select 'cost-' || n from generate_series(1, ${WORKSPACES}) n`);
  await client.query(
    `insert into segments (workspace_id, key, name, condition)
     select w.id, 'segment-' || n, 'x', '{"type":"all","of":[]}'
     from generate_series(1, ${SEGMENTS}) n
     join (select id, row_number() over (order by id) - 1 as r from workspaces where name like 'cost-%') w on w.r = n % ${WORKSPACES}`,
  );
  await client.query(
    `create temporary table generated as
     select row_number() over (order by id) as i, id, workspace_id, key,
            array(select k from unnest($1::text[]) with ordinality u (k, o) where hashtext(key || k) % 3 = 0 order by k) as kinds
     from segments`,
    [KINDS],
  );
  await client.query('create index on generated (i); analyze generated');
};

/** What recording, judging and rolling up take at 50 calculations a second, and what is added to a calculation itself. */
export const measureCost = async (url: string): Promise<Cost> => {
  const feeder = await openClient(url);
  const client = await openClient(url, { applicationName: 'evenkeel monitor' });
  try {
    await prepare(feeder);
    await client.query(`set synchronous_commit = off; set jit = off`);
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = rows[0]?.pid ?? 0;
    const watch = await Watch.restore({
      client,
      leader: randomUUID(),
      tables: partitionedTables({ factDays: 10, minuteDays: 10, hourDays: 30 }),
      timeoutMs: 60_000,
      graceMs: 0,
      tell: async () => undefined,
      judgeFrom: detectorFrom({}),
    });
    const began = Date.now() - STEPS * STEP_S * 1000 - 60_000;
    const steps: number[] = [];
    let node = 0;
    let postgres = 0;
    for (let step = 0; step < STEPS; step++) {
      const number = RATE * STEP_S;
      await feeder.query(INSERT, [new Date(began + step * STEP_S * 1000), 1 / RATE, step * number, number]);
      const before = { cpu: process.cpuUsage(), backend: cpuOf(pid), at: performance.now() };
      await watch.step();
      const { user, system } = process.cpuUsage(before.cpu);
      node += (user + system) / 1e6;
      postgres += (cpuOf(pid) ?? Number.NaN) - (before.backend ?? Number.NaN);
      steps.push(performance.now() - before.at);
    }
    const streamSeconds = STEPS * STEP_S;
    return {
      calculations: STEPS * STEP_S * RATE,
      streamSeconds,
      node: node / streamSeconds,
      postgres: Number.isNaN(postgres) ? null : postgres / streamSeconds,
      medianStepMs: steps.toSorted((a, b) => a - b)[STEPS / 2] ?? 0,
      indexUsACalculation: await measureIndex(feeder),
    };
  } finally {
    await client.end();
    await feeder.end();
  }
};

/** What the one index of monitoring adds to the statement that ends a calculation, µs. */
const measureIndex = async (client: pg.Client): Promise<number> => {
  const number = 20_000;
  const round = async (): Promise<number> => {
    await client.query('truncate calculations');
    await client.query(
      `insert into calculations (workspace_id, segment_key, trigger, state) select 1, 'x', 'api', 'succeeded' from generate_series(1, ${number})`,
    );
    await client.query('vacuum calculations');
    const began = performance.now();
    await client.query(`do $$
      declare each record;
      begin
        for each in select id from calculations loop
          update calculations set finished_at = clock_timestamp(), total_ms = 1 where id = each.id;
        end loop;
      end $$`);
    return performance.now() - began;
  };
  const rounds: [number[], number[]] = [[], []];
  for (let i = 0; i < 3; i++) {
    rounds[0].push(await round());
    await client.query('drop index calculations_unrecorded');
    rounds[1].push(await round());
    await client.query(
      'create index calculations_unrecorded on calculations (finished_at, id) where finished_at is not null and not recorded',
    );
  }
  return ((Math.min(...rounds[0]) - Math.min(...rounds[1])) / number) * 1000;
};
