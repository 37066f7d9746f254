-- As calculations-request, of one with a deadline: it waits until $6 (null: it does not), $7 and $8 are its expected and its
-- high time, $9 what waits before it, in ms. Of two who ask, the earlier start counts.
insert into calculations as c (workspace_id, segment_id, segment_key, trigger, deadline, on_late,
                               run_after, planned_start_at, expected_ms, high_ms, ahead_ms)
select s.workspace_id, s.id, s.key, $3::text, $4::timestamptz, $5::text,
       coalesce($6::timestamptz, '-infinity'), $6::timestamptz, $7::float8, $8::float8, $9::float8
from segments s
where s.workspace_id = $1::integer and s.key = $2::text
on conflict (segment_id) where state = 'queued' and attempts = 0
do update set
  deadline = least(c.deadline, excluded.deadline),
  trigger = case when excluded.urgency < c.urgency then excluded.trigger else c.trigger end,
  on_late = case when 'use_latest' in (c.on_late, excluded.on_late) then 'use_latest' else 'wait' end,
  run_after = least(c.run_after, excluded.run_after),
  planned_start_at = case when c.planned_start_at is not null and excluded.planned_start_at is not null
                          then least(c.planned_start_at, excluded.planned_start_at) end,
  expected_ms = excluded.expected_ms, high_ms = excluded.high_ms, ahead_ms = excluded.ahead_ms
returning c.id, c.requested_at, xmax = 0 as added
