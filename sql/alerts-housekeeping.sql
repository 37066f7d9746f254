-- Removes what is over for longer than $1 milliseconds, and gives up what waits for a channel that nobody has had for $2: $3 are there.
with forgotten as (
  delete from alerts where resolved_at is not null and greatest(resolved_at, recorded_at) < clock_timestamp() - $1::float8 * interval '1 ms'
), ended as (
  delete from alert_silences where ends_at < clock_timestamp() - $1::float8 * interval '1 ms'
)
update alert_notifications
set state = 'given_up', error = 'no process has this channel configured'
where state = 'waiting' and channel <> all ($3::text[])
  and created_at < clock_timestamp() - $2::float8 * interval '1 ms'
