-- Takes it on to say open alerts again on channel $1, for $2 milliseconds, where that is due and nobody sends anything there. Next in $3.
update alert_channels c
set leased_until = clock_timestamp() + $2::float8 * interval '1 ms', resend_at = clock_timestamp() + $3::float8 * interval '1 ms'
where channel = $1::text and resend_at <= clock_timestamp() and coalesce(leased_until <= clock_timestamp(), true)
  and not exists (
    select from alert_notifications n
    where n.channel = c.channel and n.state = 'waiting' and n.leased_until > clock_timestamp())
returning extract(epoch from clock_timestamp())::float8 * 1000 as now_ms
