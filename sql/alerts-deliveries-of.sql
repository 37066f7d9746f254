-- What became of the notifications of alert $1, oldest first; of more than $2 the newest.
select * from (
  select id, channel, event_id, state, attempts, next_try_at, delivered_at, error
  from alert_notifications where alert_id = $1::text
  order by id desc
  limit $2::integer
) newest
order by id
