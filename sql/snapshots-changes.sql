-- The next shards after $3 in which snapshots $1 and $2 differ: who is in the one and not in the other. Always at least one
-- row while both are there.
with differing as (
  select coalesce(a.shard, b.shard) as shard, a.bits as now, b.bits as before
  from (select shard, bits from snapshot_chunks where snapshot_id = $1::bigint and shard > $3::bigint) a
  full join (select shard, bits from snapshot_chunks where snapshot_id = $2::bigint and shard > $3::bigint) b
    on a.shard = b.shard
  where a.bits is distinct from b.bits
  order by 1
  limit $4::integer
)
select n.id, d.shard, bit_send(d.now) as now, bit_send(d.before) as before
from snapshots n
join snapshots m on m.id = $2::bigint
left join differing d on true
where n.id = $1::bigint
order by d.shard
