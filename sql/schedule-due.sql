-- Segments to look at, those that have waited longest first.
select s.id, s.workspace_id, s.key, s.failures, s.refresh_ms
from segments s
where s.next_refresh_at <= clock_timestamp()
order by s.next_refresh_at
limit $1::integer
