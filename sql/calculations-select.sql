-- $2: one, or null for a page before $3 with the filters $4 to $8. Lateness is told from the clock and not from a stored
-- flag: an update of a running row would make its own repeatable-read transaction fail. A late `use_latest` carries the
-- snapshot that was the latest when its deadline came.
select c.id, c.segment_key, w.name as workspace, c.trigger, c.state, c.requested_at, c.started_at, c.finished_at,
       c.deadline, c.on_late, c.as_of, c.attempts, c.queue_ms, c.freshen_ms, c.compile_ms, c.query_ms, c.store_ms,
       c.total_ms, c.population, c.members, c.entered, c."left", c.segment_version, c.condition_kinds, c.superseded_by,
       c.error, c.planned_start_at, c.expected_ms, c.high_ms, c.ahead_ms,
       coalesce(c.deadline < coalesce(c.finished_at, clock_timestamp()), false) as is_late,
       coalesce(c.snapshot_id, case
         when c.on_late = 'use_latest' and c.state in ('queued', 'running', 'failed')
              and c.deadline < coalesce(c.finished_at, clock_timestamp())
         then (select max(s.id) from snapshots s
               where s.segment_id = c.segment_id and s.created_at <= greatest(c.deadline, c.requested_at))
       end) as snapshot_id
from calculations c
join workspaces w on w.id = c.workspace_id
where c.workspace_id = $1::integer
  and ($2::bigint is null or c.id = $2::bigint)
  and ($3::bigint is null or c.id < $3::bigint)
  and ($4::text is null or c.segment_key = $4::text)
  and ($5::text is null or c.state = $5::text)
  and ($6::text is null or c.trigger = $6::text)
  and ($7::text is null or $7::text = any (c.condition_kinds))
  and ($8::timestamptz is null or c.requested_at >= $8::timestamptz)
order by c.id desc
limit $9::integer
