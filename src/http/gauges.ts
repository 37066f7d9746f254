import type { CalculationsService } from '../calculations/services.ts';
import type pg from 'pg';
import type { Gauges } from './metrics.ts';

/** Counting stops here: the figure is for an alert, and counting a huge backlog would add to it. */
const COUNTED_ROWS = 1_000_000;

const QUEUE = `
  select count(*) filter (where state = 'queued' and not planned)::integer as queued,
         count(*) filter (where planned)::integer as planned,
         count(*) filter (where state = 'running')::integer as running,
         coalesce(extract(epoch from clock_timestamp()
           - min(greatest(requested_at, planned_start_at)) filter (where state = 'queued' and not planned)), 0)::float8 as oldest
  from calculations
  cross join lateral (select state = 'queued' and coalesce(planned_start_at > clock_timestamp(), false) as planned) p
  where state in ('queued', 'running')`;

const PENDING = `
  select (select count(*) from (select from pending_properties limit ${COUNTED_ROWS}) p)::integer as properties,
         (select count(*) from (select from pending_events limit ${COUNTED_ROWS}) e)::integer as events`;

const IMPORTS = `
  select count(*) filter (where state = 'queued')::integer as queued,
         count(*) filter (where state = 'running')::integer as running
  from imports where state in ('queued', 'running')`;

/** Reads what the gauges of `/metrics` show. */
export const gaugesOf = (pool: pg.Pool, calculations: CalculationsService): Gauges => {
  const one = async <R extends object>(text: string): Promise<R> => {
    const { rows } = await pool.query<R>(text);
    if (rows[0] === undefined) throw new Error('an aggregate without a row');
    return rows[0];
  };
  return {
    queue: async () => {
      const { oldest, ...counts } = await one<{ queued: number; planned: number; running: number; oldest: number }>(
        QUEUE,
      );
      return { ...counts, oldestWaitSeconds: oldest };
    },
    pending: () => one(PENDING),
    imports: () => one(IMPORTS),
    workerUtilisation: () => {
      const { threads, busy } = calculations.utilisation();
      return threads === 0 ? 0 : busy / threads;
    },
    database: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
  };
};
