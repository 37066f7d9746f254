-- The facts from $1 to $2 in the order in which they were judged; $3 and $4 name the partitions.
select f.id, f.finished_at, f.calculation_id, f.workspace_id, w.name as workspace, f.segment_key, f.segment_version, f.definition,
       f.kinds, f.trigger, f.outcome, f.error_code, f.attempts, f.late, f.population, f.members, f.queue_ms, f.freshen_ms, f.compile_ms,
       f.query_ms, f.store_ms, f.duration_ms, f.residual
from monitor_facts f
join workspaces w on w.id = f.workspace_id
where f.id between $1::bigint and $2::bigint and f.finished_at between $3::timestamptz and $4::timestamptz
order by f.id
