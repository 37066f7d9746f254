-- Open alerts that channel $1 is to be told of again, oldest first, at most $2: not those of which the opening waits.
select seq, alert, diagnosis, acknowledged_at, acknowledged_by, acknowledged_note, acknowledged_severity, recorded_at
from alerts a
where resolved_at is null
  and not exists (
    select from alert_notifications n join alert_events e on e.id = n.event_id
    where n.alert_id = a.id and n.channel = $1::text and n.state = 'waiting' and e.type = 'opened')
  and not exists (select from alert_events e where e.alert_id = a.id and not e.announced)
order by seq
limit $2::integer
