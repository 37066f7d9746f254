-- What waits with a deadline up to $1, the latest first: $2 bounds how many. $3: ms where nothing was expected of it. Not that of
-- segment $5 of workspace $4, which would be joined.
select extract(epoch from c.deadline)::float8 * 1000 as "deadlineMs", coalesce(c.high_ms, $3::float8) as "highMs"
from calculations c
where c.state = 'queued' and c.deadline between clock_timestamp() and $1::timestamptz
  and (c.workspace_id, c.segment_key) <> ($4::integer, $5::text)
order by c.deadline desc
limit $2::integer
