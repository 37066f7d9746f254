-- The samples that step $1 took in, in the same order; $2 and $3 name the partitions.
select at, waited_ms
from monitor_freshness
where step = $1::bigint and at > $2::timestamptz and at <= $3::timestamptz
order by at, id
