-- Shards with pending changes and how many there are, in order. A mark for every user counts as $3, and so it stands alone.
select shard, least(sum(weight), $3::integer)::integer as marks
from (
  select shard, case when ordinal = -1 then $3::integer else 1 end as weight
  from pending_properties where shard between $1::bigint and $2::bigint
  union all
  select shard, case when ordinal = -1 then $3::integer else 1 end
  from pending_events where shard between $1::bigint and $2::bigint
) pending
group by shard
order by shard
