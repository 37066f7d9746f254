-- Those of the days $3 on which at least $4 users of the shard did it.
select number as day
from event_slices
where shard = $1::bigint and event_id = $2::integer and period = 0 and number = any($3::integer[]) and slice = -1
  and bit_count(bits) >= $4::bigint
