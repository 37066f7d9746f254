-- As calculations-begin, for whoever sends the calculation's own statement along on the same connection: token $7 and the id are left for it in
-- a setting of the session. As there, the commit does not wait for the disk.
with segment as materialized (
  select s.id, s.workspace_id, s.key, s.version, w.name as workspace
  from segments s
  join workspaces w on w.id = s.workspace_id
  where s.workspace_id = $1::integer and s.key = $2::text
    and not exists (select from calculations r where r.segment_id = s.id and r.state = 'running')
    and not exists (select from calculations q where q.segment_id = s.id and q.state = 'queued' and q.attempts = 0)
    and not exists (select from calculations q where q.state = 'queued' and q.run_after <= clock_timestamp())
  for share of s skip locked
), begun as (
  insert into calculations (workspace_id, segment_id, segment_key, trigger, deadline, on_late, state, process_id, attempts,
                            segment_version, started_at, queue_ms)
  select workspace_id, id, key, $3::text, $4::timestamptz, $5::text, 'running', $6::uuid, 1, version, clock_timestamp(),
         extract(epoch from clock_timestamp() - statement_timestamp()) * 1000
  from segment
  on conflict (segment_id) where state = 'running' do nothing
  returning *
)
select c.id, c.workspace_id, segment.workspace, c.segment_id, c.segment_key, c.segment_version, c.trigger, c.attempts, c.queue_ms,
       c.deadline, c.on_late, c.requested_at, c.started_at, c.urgency, c.planned_start_at, c.expected_ms,
       set_config('synchronous_commit', 'off', true), set_config('evenkeel.begun', $7::text || ' ' || c.id, false)
from begun c cross join segment
