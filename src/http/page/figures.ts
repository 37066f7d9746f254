import type { CalculationsService } from '../../calculations/services.ts';
import type { CalculationResource } from '../../calculations/resources.ts';
import type { Queryable } from '../../database/port.ts';
import { countUsers } from '../../index/coverage.ts';
import type { Caller } from '../route.ts';

/** However often the page is opened, its statements run once in this time a workspace. */
const CACHE_MS = 2_000;
/** The newest calculations that the counts look at: the page costs the same after a year. */
const LOOK_BACK = 5_000;
const LATEST = 12;
const MAX_CACHED = 1_000;

export interface Figures {
  readonly workspace: string;
  readonly users: number;
  readonly segments: number;
  readonly properties: number;
  readonly events: number;
  readonly calculations: {
    readonly lastDay: number;
    /** There are more than were looked at. */
    readonly more: boolean;
    readonly medianMs: number | null;
    readonly queued: number;
    readonly running: number;
  };
  readonly latest: readonly CalculationResource[];
  readonly postgres: string;
  readonly at: Date;
}

const COUNTS = `
  with recent as (
    select state, requested_at, total_ms - coalesce(queue_ms, 0) as run_ms
    from calculations
    where workspace_id = $1::integer
    order by id desc
    limit ${LOOK_BACK}
  )
  select (select count(*) from segments where workspace_id = $1::integer)::integer as segments,
         (select count(*) from properties where workspace_id = $1::integer and path <> '')::integer as properties,
         (select count(*) from event_names where workspace_id = $1::integer)::integer as events,
         count(*) filter (where requested_at > now() - interval '1 day')::integer as last_day,
         count(*) filter (where state = 'queued')::integer as queued,
         count(*) filter (where state = 'running')::integer as running,
         percentile_cont(0.5) within group (order by run_ms)
           filter (where state = 'succeeded' and requested_at > now() - interval '1 day') as median_ms,
         current_setting('server_version') as postgres
  from recent`;

interface Counts {
  readonly segments: number;
  readonly properties: number;
  readonly events: number;
  readonly last_day: number;
  readonly queued: number;
  readonly running: number;
  readonly median_ms: number | null;
  readonly postgres: string;
}

/** What the page shows of the caller's workspace, read at most every two seconds. */
export const figuresReader = (db: Queryable, calculations: CalculationsService) => {
  const cache = new Map<number, { until: number; figures: Promise<Figures> }>();

  const read = async ({ workspaceId, workspace }: Caller): Promise<Figures> => {
    const [users, counts, { calculations: latest }] = await Promise.all([
      countUsers(db, workspaceId),
      db.query<Counts>(COUNTS, [workspaceId]),
      calculations.list(workspaceId, { limit: LATEST }),
    ]);
    const row = counts.rows[0];
    if (row === undefined) throw new Error('an aggregate without a row');
    return {
      workspace,
      users,
      segments: row.segments,
      properties: row.properties,
      events: row.events,
      calculations: {
        lastDay: row.last_day,
        more: row.last_day >= LOOK_BACK,
        medianMs: row.median_ms,
        queued: row.queued,
        running: row.running,
      },
      latest,
      postgres: row.postgres,
      at: new Date(),
    };
  };

  return (caller: Caller): Promise<Figures> => {
    const cached = cache.get(caller.workspaceId);
    if (cached !== undefined && cached.until > Date.now()) return cached.figures;
    if (cache.size >= MAX_CACHED) cache.clear();
    const figures = read(caller);
    cache.set(caller.workspaceId, { until: Date.now() + CACHE_MS, figures });
    figures.catch(() => cache.delete(caller.workspaceId));
    return figures;
  };
};
