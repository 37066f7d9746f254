import type pg from 'pg';
import { CONDITION_KINDS } from '../../src/conditions/types.ts';
import { Partitions, partitionedTables } from '../../src/monitoring/live/partitions.ts';

const DAY_MS = 86_400_000;

export interface Size {
  readonly days: number;
  readonly minuteDays: number;
  readonly segments: number;
  readonly workspaces: number;
  readonly calculationsADay: number;
  /** Days of facts. */
  readonly factDays: number;
}

/** Of $3 values, as many histograms as there are templates: making each row's anew would take hours and change no size. */
const TEMPLATES = `
  create temporary table template (buckets integer, number integer, durations integer[], residuals integer[]);
  insert into template
  select b.buckets, n,
    (select array_agg(v order by i, part) from generate_series(1, b.buckets) i cross join lateral
      (values (1, 40 + n % 50 + i), (2, 1 + (i * 7 + n) % 5)) as p (part, v)),
    (select array_agg(v order by i, part) from generate_series(1, b.buckets) i cross join lateral
      (values (1, i - b.buckets / 2), (2, 1 + (i * 5 + n) % 5)) as p (part, v))
  from (values (8), (30), (60), (120)) as b (buckets) cross join generate_series(0, 63) n;
  create index on template (buckets, number);
  analyze template`;

/** Rollups of one scope: `keys` is a query of (workspace_id, name). */
const rollups = (table: string, scope: string, keys: string, buckets: number, each: number, step: string): string => `
  insert into ${table} (scope, workspace_id, name, bucket, calculations, failed, timeouts, cancelled, late, retries, timed, duration_ms,
                        queue_ms, judged, residual, normal_ms, durations, residuals, low, high)
  select '${scope}', k.workspace_id, k.name, b, ${each}, 0, 0, 0, 0, 0, ${each}, ${each} * 100, ${each}, ${each}, ${each} * 0.01, ${each} * 99,
         t.durations, t.residuals, 0.95, 1.05
  from generate_series($1::timestamptz, $2::timestamptz - interval '${step}', interval '${step}') b
  cross join lateral (select row_number() over () as n, * from (${keys}) q offset 0) k
  join template t on t.buckets = ${buckets} and t.number = (k.n + extract(epoch from b)::bigint / 60) % 64`;

/** Fills an empty database. Gives the seconds that it took. */
export const generate = async (client: pg.Client, size: Size, tell: (what: string) => void): Promise<void> => {
  const now = Math.floor(Date.now() / 3_600_000) * 3_600_000;
  const tables = partitionedTables({ factDays: size.days + 2, minuteDays: size.days + 2, hourDays: size.days + 2 });
  const partitions = new Partitions(tables);
  const days = Array.from({ length: size.days + 2 }, (_, day) => now - (size.days - day) * DAY_MS);
  for (const { name } of tables) await partitions.ensure(client, name, days);
  await client.query(TEMPLATES);
  await client.query(`insert into workspaces (name) select 'workspace-' || n from generate_series(1, $1::integer) n`, [
    size.workspaces,
  ]);
  const workspaces = `select id as workspace_id, '' as name from workspaces where name like 'workspace-%'`;
  const kinds = CONDITION_KINDS.slice(0, 10)
    .map((kind) => `'${kind}'`)
    .join(', ');
  const kindNames = `select 0 as workspace_id, unnest(array[${kinds}]) as name`;
  const pairs = `select w.workspace_id, k.name from (${workspaces}) w cross join (${kindNames}) k`;
  const segments = `select w.workspace_id, 'segment-' || n as name from generate_series(1, ${size.segments}) n
    join lateral (select workspace_id from (${workspaces}) w order by workspace_id offset n % ${size.workspaces} limit 1) w on true`;
  await client.query(`create temporary table generated_segments as ${segments}`);
  const aDay = size.calculationsADay;
  const hours: [string, string, number, number][] = [
    ['all', `select 0 as workspace_id, '' as name`, 120, aDay / 24],
    ['kind', kindNames, 120, aDay / 24 / 4],
    ['workspace', workspaces, 60, aDay / 24 / size.workspaces],
    ['workspace_kind', pairs, 30, aDay / 24 / size.workspaces / 4],
    ['segment', 'select * from generated_segments', 8, aDay / 24 / size.segments],
  ];
  const from = new Date(now - size.days * DAY_MS);
  const to = new Date(now);
  for (const [scope, keys, buckets, each] of hours) {
    tell(`hours of ${scope}`);
    await client.query(rollups('monitor_hours', scope, keys, buckets, Math.max(1, Math.round(each)), '1 hour'), [
      from,
      to,
    ]);
  }
  for (const [scope, keys, , each] of hours.slice(0, 3)) {
    tell(`minutes of ${scope}`);
    const values = [new Date(now - size.minuteDays * DAY_MS), to];
    const text = rollups('monitor_minutes', scope, keys, 30, Math.max(1, Math.round(each / 60)), '1 minute');
    await client.query(text, values);
  }
  tell('facts');
  await client.query(
    `insert into monitor_facts (finished_at, calculation_id, workspace_id, segment_key, segment_version, definition, kinds, trigger, outcome,
       attempts, late, population, members, queue_ms, freshen_ms, compile_ms, query_ms, store_ms, duration_ms, residual)
     select $1::timestamptz + n * interval '1 day' / $2::bigint, n, s.workspace_id, s.name, 1, 1, '{property.equals,property.is_set}',
            'schedule', 'succeeded', 1, false, 100000, 1000, 1, 1, 1, 50, 10, 100, 0.01
     from generate_series(0, $2::bigint * $3::bigint - 1) n
     join (select row_number() over () - 1 as i, * from generated_segments) s on s.i = n % $4::bigint`,
    [new Date(now - size.factDays * DAY_MS), aDay, size.factDays, size.segments],
  );
  tell('analyze');
  await client.query('vacuum analyze monitor_hours, monitor_minutes, monitor_facts');
};
