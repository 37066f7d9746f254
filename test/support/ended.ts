import type { Queryable } from '../../src/database/port.ts';

/** A calculation that has ended, as its row stands then. */
export interface Ended {
  readonly segment: string;
  readonly finishedAt: Date;
  readonly state?: 'succeeded' | 'failed' | 'cancelled';
  readonly errorCode?: string;
  readonly kinds?: readonly string[];
  readonly durationMs?: number;
  readonly queueMs?: number;
  readonly attempts?: number;
  readonly late?: boolean;
  readonly trigger?: string;
  readonly population?: number;
  readonly version?: number;
  /** Cancelled while it waited. */
  readonly unstarted?: boolean;
}

const DEFAULTS = {
  state: 'succeeded',
  errorCode: null,
  kinds: ['property.equals'],
  durationMs: 10,
  queueMs: 1,
  attempts: 1,
  late: false,
  trigger: 'api',
  population: 1_000,
  version: 1,
  unstarted: false,
} as const;

/** Writes calculations as those that ran them have left them; gives their ids. */
export const endCalculations = async (
  db: Queryable,
  workspaceId: number,
  ended: readonly Ended[],
): Promise<number[]> => {
  const { rows } = await db.query<{ id: number }>(
    `insert into calculations (workspace_id, segment_id, segment_key, segment_version, trigger, state, requested_at, started_at,
                               finished_at, attempts, queue_ms, freshen_ms, compile_ms, query_ms, store_ms, total_ms, population,
                               members, condition_kinds, late, error)
     select $1::integer, s.id, e.segment, case when not e.unstarted then e.version end, e.trigger, e.state,
            e.finished - make_interval(secs => (e.duration_ms + e.queue_ms) / 1000),
            case when not e.unstarted then e.finished - make_interval(secs => e.duration_ms / 1000) end,
            e.finished, e.attempts,
            case when e.state = 'succeeded' then e.queue_ms end, case when e.state = 'succeeded' then 0.5 end,
            case when e.state = 'succeeded' then 0.25 end, case when e.state = 'succeeded' then e.duration_ms / 2 end,
            case when e.state = 'succeeded' then 1.5 end, case when e.state = 'succeeded' then e.duration_ms + e.queue_ms end,
            e.population, e.population / 10, e.kinds, e.late,
            case when e.error_code is not null then jsonb_build_object('code', e.error_code, 'message', 'went wrong') end
     from jsonb_to_recordset($2::jsonb) as e (segment text, finished timestamptz, state text, error_code text, kinds text[],
       duration_ms double precision, queue_ms double precision, attempts integer, late boolean, trigger text, population integer,
       version integer, unstarted boolean)
     left join segments s on s.workspace_id = $1::integer and s.key = e.segment
     returning id`,
    [
      workspaceId,
      JSON.stringify(
        ended.map((one) => {
          const all = { ...DEFAULTS, ...one };
          return {
            segment: all.segment,
            finished: all.finishedAt.toISOString(),
            state: all.state,
            error_code: all.errorCode,
            kinds: all.unstarted ? null : all.kinds,
            duration_ms: all.durationMs,
            queue_ms: all.queueMs,
            attempts: all.attempts,
            late: all.late,
            trigger: all.trigger,
            population: all.population,
            version: all.version,
            unstarted: all.unstarted,
          };
        }),
      ),
    ],
  );
  return rows.map(({ id }) => id);
};
