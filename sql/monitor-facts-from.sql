-- The facts after $1 and, of that moment, after id $2, in order of time, at most $3.
select f.id, f.finished_at, f.calculation_id, f.workspace_id, w.name as workspace, f.segment_key, f.segment_version, f.definition,
       f.kinds, f.trigger, f.outcome, f.error_code, f.attempts, f.late, f.population, f.members, f.queue_ms, f.freshen_ms, f.compile_ms,
       f.query_ms, f.store_ms, f.duration_ms, f.residual
from monitor_facts f
join workspaces w on w.id = f.workspace_id
where f.finished_at >= $1::timestamptz and (f.finished_at, f.id) > ($1::timestamptz, $2::bigint)
order by f.finished_at, f.id
limit $3::integer
