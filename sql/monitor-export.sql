-- A page of the facts between two moments, in the order of time, from behind the last row of the page before.
-- Pages and no open cursor: a transaction that lasts as long as the export would hold vacuum back.
select f.finished_at, f.id, w.name as workspace, f.segment_key, f.definition, f.kinds, f.trigger, f.outcome, f.population, f.duration_ms
from monitor_facts f
join workspaces w on w.id = f.workspace_id
where f.finished_at >= greatest($1::timestamptz, $3::timestamptz) and f.finished_at < $2::timestamptz
  and (f.finished_at, f.id) > ($3::timestamptz, $4::bigint)
  and f.definition is not null
order by f.finished_at, f.id
limit $5::integer
