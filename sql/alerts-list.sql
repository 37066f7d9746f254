-- A page of alerts, newest first, before the one numbered $1. Of workspace $2, where that is not null, what concerns it: its own, and those
-- of no workspace in particular.
select seq, alert, diagnosis, acknowledged_at, acknowledged_by, acknowledged_note, acknowledged_severity, recorded_at
from alerts
where ($1::bigint is null or seq < $1::bigint)
  and ($2::text is null or workspace is null or workspace = $2::text)
  and case $3::text
        when 'open' then resolved_at is null
        when 'acknowledged' then resolved_at is null and acknowledged_at is not null
        when 'resolved' then resolved_at is not null
        else true
      end
  and ($4::text is null or severity = $4::text)
  and ($5::text is null or kind = $5::text)
  and ($6::timestamptz is null or opened_at >= $6::timestamptz)
order by seq desc
limit $7::integer
