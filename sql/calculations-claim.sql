-- Claims up to $2 waiting calculations for process $1, in the order of the contract, which calculations_waiting serves:
-- earliest deadline, then newsletters, people, the API, schedules. Only segments of which none runs; of several rows of
-- one segment (a retry and a newer request) the first. The segment's row is share-locked so that an edit comes either
-- wholly before (its version is what is noted) or wholly after (it then sees this one running, and supersedes it).
with candidates as materialized (
  select c.id, c.segment_id, s.version, c.deadline, c.urgency, c.requested_at
  from calculations c
  join segments s on s.id = c.segment_id
  where c.state = 'queued' and c.run_after <= clock_timestamp()
    and not exists (select from calculations r where r.segment_id = c.segment_id and r.state = 'running')
  order by c.deadline, c.urgency, c.requested_at
  limit $2::integer
  for update of c skip locked
  for share of s skip locked
), chosen as (
  select distinct on (segment_id) id, version
  from candidates
  order by segment_id, deadline, urgency, requested_at
)
update calculations c
set state = 'running', process_id = $1::uuid, attempts = c.attempts + 1, segment_version = chosen.version,
    started_at = clock_timestamp(),
    queue_ms = extract(epoch from clock_timestamp() - greatest(c.requested_at, c.planned_start_at)) * 1000
from chosen, workspaces w
where c.id = chosen.id and w.id = c.workspace_id
returning c.id, c.workspace_id, w.name as workspace, c.segment_id, c.segment_key, c.segment_version, c.trigger, c.attempts,
          c.queue_ms, c.deadline, c.on_late, c.requested_at, c.started_at, c.urgency,
          c.planned_start_at, c.expected_ms
