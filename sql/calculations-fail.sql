-- Attempt $3 of calculation $1 by process $2 went wrong: it waits for another, or has failed for good. No row: it was
-- cancelled meanwhile or is somebody else's.
update calculations c
set state = case when again.yes then 'queued' else 'failed' end,
    run_after = case when again.yes then clock_timestamp() + make_interval(secs => $6::double precision / 1000)
                     else c.run_after end,
    finished_at = case when again.yes then null else clock_timestamp() end,
    started_at = case when again.yes then null else c.started_at end,
    total_ms = case when again.yes then null
                    else extract(epoch from clock_timestamp() - greatest(c.requested_at, c.planned_start_at)) * 1000 end,
    late = not again.yes and coalesce(c.deadline < clock_timestamp(), false),
    condition_kinds = coalesce($7::text[], c.condition_kinds),
    process_id = null,
    error = $8::jsonb
from (select $4::boolean and $3::integer < $5::integer as yes) again
where c.id = $1::bigint and c.state = 'running' and c.process_id = $2::uuid and c.attempts = $3::integer
returning c.state
