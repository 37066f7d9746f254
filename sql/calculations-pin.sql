-- What a newsletter past its deadline is handed stays until it releases it. Two parts for the two partial indexes.
update snapshots s
set pinned = true
from (
  select segment_id, deadline, requested_at from calculations
  where state = 'queued' and on_late = 'use_latest' and trigger = 'newsletter' and deadline < clock_timestamp()
  union all
  select segment_id, deadline, requested_at from calculations
  where state = 'running' and on_late = 'use_latest' and trigger = 'newsletter' and deadline < clock_timestamp()
) c
where not s.pinned
  and s.id = (select max(n.id) from snapshots n
              where n.segment_id = c.segment_id and n.created_at <= greatest(c.deadline, c.requested_at))
