-- Events after number $1, oldest first, of those that concern workspace $2 where that is not null; a workspace is told of no diagnosis.
-- Each with its alert as it was then. At most $3.
select e.id, e.type, e.at, e.recorded_at, e.severity, e.by, e.note, e.alert as then_alert,
       a.seq, a.diagnosis, a.acknowledged_at, a.acknowledged_by, a.acknowledged_note, a.acknowledged_severity
from alert_events e join alerts a on a.id = e.alert_id
where e.id > $1::bigint
  and ($2::text is null or ((a.workspace is null or a.workspace = $2::text) and e.type <> 'diagnosed'))
order by e.id
limit $3::integer
