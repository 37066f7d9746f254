select count(*) filter (where state = 'queued' and due)::integer as queued,
  count(*) filter (where state = 'running')::integer as running,
  coalesce(extract(epoch from clock_timestamp() - min(greatest(requested_at, planned_start_at)) filter (where state = 'queued' and due)), 0)::float8
    * 1000 as oldest_wait_ms
from calculations
cross join lateral (select coalesce(planned_start_at <= clock_timestamp(), true) as due) d
where state in ('queued', 'running')
