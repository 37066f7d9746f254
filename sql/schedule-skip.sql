-- There was nothing to do for segment $1: $2 tells that its data has not changed, otherwise the last calculation still waits or runs.
update segments
set skips = skips + $2::boolean::integer,
    skipped_at = case when $2::boolean then clock_timestamp() else skipped_at end,
    next_refresh_at = $3::timestamptz, refresh_ms = $4::bigint
where id = $1::integer
