-- The next bitmaps of snapshot $1 after shard $2. Always at least one row while the snapshot is there, so that a reader
-- tells its end from its removal. bit_send: 4 bytes of length, then the bits; as text a bitmap would be 32 kB.
select n.id, b.shard, bit_send(b.bits) as bits
from snapshots n
left join lateral (
  select shard, bits
  from snapshot_chunks
  where snapshot_id = n.id and shard > $2::bigint
  order by shard
  limit $3::integer
) b on true
where n.id = $1::bigint
order by b.shard
