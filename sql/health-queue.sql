-- What waits and runs, and for how long the oldest has waited since it was to start.
select count(*) filter (where state = 'queued' and not planned)::integer as queued,
       count(*) filter (where planned)::integer as planned,
       count(*) filter (where state = 'running')::integer as running,
       count(*) filter (where deadline < clock_timestamp())::integer as overdue,
       coalesce(extract(epoch from clock_timestamp()
         - min(greatest(requested_at, planned_start_at)) filter (where state = 'queued' and not planned)), 0)::float8
         as "oldestWaitSeconds"
from calculations
cross join lateral (select state = 'queued' and coalesce(planned_start_at > clock_timestamp(), false) as planned) p
where state in ('queued', 'running')
