-- Notifications $1 are over: $2 is what became of the last of them, which stands for all; `superseded` of those before it when it was sent.
update alert_notifications
set state = case when $2::text = 'delivered' and id <> $3::bigint then 'superseded' else $2::text end,
    delivered_at = case when $2::text = 'delivered' then clock_timestamp() end,
    leased_until = null, error = case when $2::text = 'delivered' then null else error end
where id = any ($1::bigint[]) and state = 'waiting'
