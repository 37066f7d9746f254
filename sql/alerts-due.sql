-- At most $2 alerts of which something is due on channel $1 and that nobody sends just now, with all of each that waits; and what time it
-- is by the database's clock. The alert is as it was at the newest of what waits: what has happened since has a notification of its own.
-- Nothing while open alerts are said again.
with due as (
  select alert_id, min(next_try_at) as since
  from alert_notifications
  where state = 'waiting' and channel = $1::text
    and not exists (select from alert_channels where channel = $1::text and leased_until > clock_timestamp())
  group by alert_id
  having min(next_try_at) <= clock_timestamp() and coalesce(max(leased_until) <= clock_timestamp(), true)
  order by since, alert_id
  limit $2::integer
)
select a.seq, newest.alert, a.diagnosis, a.acknowledged_at, a.acknowledged_by, a.acknowledged_note, a.acknowledged_severity, a.recorded_at,
       extract(epoch from clock_timestamp())::float8 * 1000 as now_ms,
       exists (
         select from alert_notifications n
         where n.alert_id = a.id and n.channel = $1::text and n.state <> 'waiting' and n.attempts > 0) as told,
       (select json_agg(json_build_object(
                 'id', n.id, 'eventId', n.event_id, 'type', e.type, 'severity', e.severity, 'attempts', n.attempts,
                 'recordedAtMs', extract(epoch from e.recorded_at)::float8 * 1000,
                 'firstTriedAtMs', extract(epoch from n.first_tried_at)::float8 * 1000) order by n.event_id)
        from alert_notifications n join alert_events e on e.id = n.event_id
        where n.alert_id = a.id and n.channel = $1::text and n.state = 'waiting') as waiting
from due
join alerts a on a.id = due.alert_id
cross join lateral (
  select e.alert
  from alert_notifications n join alert_events e on e.id = n.event_id
  where n.alert_id = a.id and n.channel = $1::text and n.state = 'waiting'
  order by n.event_id desc
  limit 1) newest
order by due.since, a.id
