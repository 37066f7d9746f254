-- Takes notifications $1 for $2 milliseconds, and counts the attempt before it is made.
update alert_notifications
set leased_until = clock_timestamp() + $2::float8 * interval '1 ms', attempts = attempts + 1,
    first_tried_at = coalesce(first_tried_at, clock_timestamp())
where id = any ($1::bigint[])
