-- Segment $1, unless another process looks at it just now or has already. `for no key update`: requests refer to the row
-- meanwhile, and need not wait. A calculation of it that was asked for and has not ended is enough.
select s.id, s.workspace_id, s.key, s.refresh, s.asked_id, s.asked_definitions, s.failures,
       extract(epoch from clock_timestamp())::float8 * 1000 as now_ms,
       s.asked_open and exists (
         select from calculations c where c.id = s.asked_id and c.state in ('queued', 'running')) as busy
from segments s
where s.id = $1::integer and s.next_refresh_at <= clock_timestamp()
for no key update of s skip locked
