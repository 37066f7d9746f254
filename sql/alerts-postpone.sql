-- Notifications $1 are not looked at for $2 milliseconds; $3 is what was wrong, null where nothing was tried.
update alert_notifications
set next_try_at = clock_timestamp() + $2::float8 * interval '1 ms', leased_until = null, error = coalesce($3::text, error)
where id = any ($1::bigint[]) and state = 'waiting'
