-- Days whose parts (eight a day) are kept, among those parts from $3 (inside) to $4 (outside).
select distinct number >> 3 as day
from event_slices
where shard = $1::bigint and event_id = $2::integer and period = 3 and number >= $3::integer and number < $4::integer
