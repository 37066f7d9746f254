-- Event $2 at $3 of alert $1, and the alert as it is since then. An event that is there already changes nothing.
with event as (
  insert into alert_events (alert_id, type, at, severity, alert, announced)
  values ($1::text, $2::text, $3::timestamptz, $5::text, $11::jsonb, false)
  on conflict (alert_id, type, at) do nothing
  returning alert_id
)
insert into alerts as a (id, rule, severity, kind, workspace, segment, opened_at, resolved_at, alert)
select alert_id, $4::text, $5::text, $6::text, $7::text, $8::text, $9::timestamptz, $10::timestamptz, $11::jsonb
from event
on conflict (id) do update
set rule = excluded.rule, severity = excluded.severity, kind = excluded.kind, workspace = excluded.workspace,
    segment = excluded.segment, opened_at = excluded.opened_at, resolved_at = excluded.resolved_at, alert = excluded.alert
