-- Silences that hold now, or did within the last $1 milliseconds: an alert that is over may have been silenced then. At most $2.
select id, alert_id, rule, kind, workspace, segment, up_to, reason, created_by, created_at, starts_at, ends_at
from alert_silences
where ends_at > clock_timestamp() - $1::float8 * interval '1 ms' and starts_at <= clock_timestamp()
order by id
limit $2::integer
