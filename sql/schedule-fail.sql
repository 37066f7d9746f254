-- Segment $1 could not be looked at: $2 the error, $3 when to try again.
update segments
set failures = failures + 1, last_error = $2::jsonb || jsonb_build_object('at', to_jsonb(clock_timestamp())),
    next_refresh_at = $3::timestamptz
where id = $1::integer and next_refresh_at <= clock_timestamp()
returning failures
