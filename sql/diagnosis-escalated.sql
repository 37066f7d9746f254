-- Open alerts that have become worse since they were diagnosed, at most $1.
select alert from alerts
where resolved_at is null and diagnosed_at is not null and diagnosis ->> 'severity' <> severity
order by seq
limit $1::integer
