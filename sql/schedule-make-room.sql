-- Calculation $1, which takes up to $2 ms of a thread, is to run before $3: those of later deadlines that were to start before
-- that start so much earlier.
update calculations c
set run_after = c.run_after - make_interval(secs => $2::float8 / 1000),
    planned_start_at = c.planned_start_at - make_interval(secs => $2::float8 / 1000),
    ahead_ms = c.ahead_ms + $2::float8
where c.state = 'queued' and c.attempts = 0 and c.id <> $1::bigint
  and c.deadline > $3::timestamptz and c.planned_start_at < $3::timestamptz and c.run_after > clock_timestamp()
