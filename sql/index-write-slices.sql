-- Replaces the touched users' bits in all slices of the touched columns: $1 to $4 are the bits that they have now, $5 to $7 who was
-- touched, by shard and column. Slices that change nothing are not written, those that become all-zero go.
with fresh as materialized (
  select * from unnest($1::bigint[], $2::integer[], $3::integer[], $4::varbit[]) as f (shard, column_id, slice, bits)
), touched as materialized (
  select * from unnest($5::bigint[], $6::integer[], $7::varbit[]) as t (shard, column_id, bits)
), merged as materialized (
  select s.shard, s.column_id, s.slice, coalesce((s.bits & ~t.bits) | f.bits, s.bits & ~t.bits) as bits
  from touched t
  join slices s on s.shard = t.shard and s.column_id = t.column_id
  left join fresh f on f.shard = s.shard and f.column_id = s.column_id and f.slice = s.slice
  where s.bits & t.bits <> coalesce(f.bits, B'0'::bit(32000))
), emptied as (
  delete from slices s using merged m
  where s.shard = m.shard and s.column_id = m.column_id and s.slice = m.slice and m.bits = B'0'::bit(32000)
), replaced as (
  update slices s set bits = m.bits from merged m
  where s.shard = m.shard and s.column_id = m.column_id and s.slice = m.slice and m.bits <> B'0'::bit(32000)
)
insert into slices (shard, column_id, slice, bits)
select f.shard, f.column_id, f.slice, f.bits
from fresh f
where not exists (
  select from slices s where s.shard = f.shard and s.column_id = f.column_id and s.slice = f.slice)
