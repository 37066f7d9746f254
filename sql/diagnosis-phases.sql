-- Medians of the latest $3 calculations of one segment.
select count(*)::integer as calculations,
  percentile_cont(0.5) within group (order by queue_ms) as queue, percentile_cont(0.5) within group (order by freshen_ms) as freshen,
  percentile_cont(0.5) within group (order by query_ms) as query, percentile_cont(0.5) within group (order by store_ms) as store
from (
  select c.* from calculations c
  join segments s on s.id = c.segment_id
  join workspaces w on w.id = s.workspace_id
  where w.name = $1 and s.key = $2 and c.state = 'succeeded'
  order by c.id desc
  limit $3::integer
) c
