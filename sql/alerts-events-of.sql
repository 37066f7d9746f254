-- What happened to alert $1, oldest first; of more than $2 the newest.
select * from (
  select id, type, at, recorded_at, severity, by, note, alert as then_alert
  from alert_events where alert_id = $1::text
  order by id desc
  limit $2::integer
) newest
order by id
