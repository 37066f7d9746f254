-- Asks for a calculation of segment $2, or joins the one that waits: the earliest deadline and the most urgent trigger of
-- all who asked count, and one that was to start later starts now. No row: no such segment. Where the waiting one is being claimed at this moment, the insert waits
-- for that and then adds one, so that whoever asks is never joined to a run that may have begun before.
insert into calculations as c (workspace_id, segment_id, segment_key, trigger, deadline, on_late)
select s.workspace_id, s.id, s.key, $3::text, $4::timestamptz, $5::text
from segments s
where s.workspace_id = $1::integer and s.key = $2::text
on conflict (segment_id) where state = 'queued' and attempts = 0
do update set
  deadline = least(c.deadline, excluded.deadline),
  trigger = case when excluded.urgency < c.urgency then excluded.trigger else c.trigger end,
  on_late = case when 'use_latest' in (c.on_late, excluded.on_late) then 'use_latest' else 'wait' end,
  run_after = '-infinity',
  planned_start_at = null
returning c.id, c.requested_at
