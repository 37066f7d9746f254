-- Open alerts that have no diagnosis yet, oldest first, at most $1.
select alert, recorded_at from alerts
where resolved_at is null and diagnosed_at is null
order by seq
limit $1::integer
