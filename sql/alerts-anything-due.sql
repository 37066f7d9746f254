-- Whether there is anything to do for channel $1.
select exists (select from alert_events where not announced)
    or exists (
      select from alert_notifications where state = 'waiting' and channel = $1::text and next_try_at <= clock_timestamp())
    or exists (select from alert_channels where channel = $1::text and resend_at <= clock_timestamp()) as due
