-- Notes that somebody knows of open alert $1, at the severity that it has now, and an event that says so. Again: the last one counts.
with acknowledged as (
  update alerts
  set acknowledged_at = clock_timestamp(), acknowledged_by = $2::text, acknowledged_note = $3::text,
      acknowledged_severity = severity
  where id = $1::text and resolved_at is null
  returning id, acknowledged_at, severity, alert
)
insert into alert_events (alert_id, type, at, severity, alert, by, note, announced)
select id, 'acknowledged', acknowledged_at, severity, alert, $2::text, $3::text, true from acknowledged
