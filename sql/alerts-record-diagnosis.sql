-- What the diagnosis of alert $1 found, and an event that says so to who watches. A second diagnosis takes the place of the first.
with diagnosed as (
  update alerts set diagnosis = $2::jsonb, diagnosed_at = clock_timestamp() where id = $1::text
  returning id, diagnosed_at, severity, alert
)
insert into alert_events (alert_id, type, at, severity, alert, announced)
select id, 'diagnosed', diagnosed_at, severity, alert, true from diagnosed
