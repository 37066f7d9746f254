-- One notification for each of the channels $1 and each event that has none yet. By several at once each event is taken by one.
with events as (
  update alert_events set announced = true where not announced
  returning id, alert_id
)
insert into alert_notifications (event_id, alert_id, channel)
select e.id, e.alert_id, channel
from events e cross join unnest($1::text[]) as channel
on conflict (event_id, channel) do nothing
