-- Segment $1 has seen how calculation $2 ended: $3 its failures in a row, $4 the error of the last one, or null where it is known already, $5 when to try
-- again, or null to leave that as it is.
update segments
set asked_open = false, failures = $3::integer, 
    last_error = case when $3::integer > 0 then coalesce($4::jsonb, last_error) end,
    next_refresh_at = case when next_refresh_at is not null then coalesce($5::timestamptz, next_refresh_at) end
where id = $1::integer and asked_id = $2::bigint and asked_open
