-- Asks for a calculation of segment $2 that process $6 begins at once, where nothing waits that would come first, and none of the
-- segment runs or waits for its planned start: what calculations-request and calculations-claim do one after the other. No row: it has to go that way.
-- The segment's row is share-locked as in a claim, so that an edit comes wholly before or sees this one running.
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
       c.deadline, c.on_late, c.requested_at, c.started_at, c.urgency, c.planned_start_at, c.expected_ms
from begun c cross join segment
