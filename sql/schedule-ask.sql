-- Calculation $2 was asked for segment $1, which is now made of $3; next at $4, every $5 ms.
update segments
set asked_id = $2::bigint, asked_open = true, asked_definitions = $3::text, refreshed_at = clock_timestamp(),
    next_refresh_at = $4::timestamptz, refresh_ms = $5::bigint
where id = $1::integer
