-- The definition of segment $1 has changed: what runs of an older one ends here, and a replacement with the same trigger,
-- deadline and on_late waits (or joins the one that waits already, as a request does).
-- Runs after `update segments` in the same transaction: a claim locks the segment's row (sql/calculations-claim.sql), so
-- each running calculation is either seen here or was claimed with the new version.
with running as (
  select c.id, c.workspace_id, c.segment_id, c.segment_key, c.trigger, c.deadline, c.on_late, c.process_id
  from calculations c
  where c.segment_id = $1::integer and c.state = 'running'
  for update
), replacement as (
  insert into calculations as q (workspace_id, segment_id, segment_key, trigger, deadline, on_late)
  select r.workspace_id, r.segment_id, r.segment_key, r.trigger, r.deadline, r.on_late from running r
  on conflict (segment_id) where state = 'queued' and attempts = 0
  do update set
    deadline = least(q.deadline, excluded.deadline),
    trigger = case when excluded.urgency < q.urgency then excluded.trigger else q.trigger end,
    on_late = case when 'use_latest' in (q.on_late, excluded.on_late) then 'use_latest' else 'wait' end,
    run_after = '-infinity',
    planned_start_at = null
  returning q.id
)
update calculations c
set state = 'cancelled', finished_at = clock_timestamp(), superseded_by = replacement.id,
    late = coalesce(c.deadline < clock_timestamp(), false),
    error = jsonb_build_object(
      'code', 'superseded', 'message', 'the segment was edited while this ran',
      'hint', 'see supersededBy for the calculation of the new definition')
from running, replacement
where c.id = running.id
returning c.id, c.superseded_by
