-- As index-write-slices, for one event and month: $3 period, $4 number, $5 slice, $6 bits; $7 who was touched; $8, $9, $10 all
-- periods that belong to the month: which, from number, to number (outside).
with fresh as materialized (
  select * from unnest($3::smallint[], $4::integer[], $5::smallint[], $6::varbit[]) as f (period, number, slice, bits)
), touched as materialized (
  select ($7::varbit[])[1] as bits
), held as materialized (
  select s.period, s.number, s.slice, s.bits
  from unnest($8::smallint[], $9::integer[], $10::integer[]) as r (period, first, "end")
  cross join lateral (
    select e.period, e.number, e.slice, e.bits
    from event_slices e
    where e.shard = $1::bigint and e.event_id = $2::integer and e.period = r.period
      and e.number >= r.first and e.number < r."end"
    offset 0
  ) s
), merged as materialized (
  select h.period, h.number, h.slice, coalesce((h.bits & ~t.bits) | f.bits, h.bits & ~t.bits) as bits
  from held h
  cross join touched t
  left join fresh f on f.period = h.period and f.number = h.number and f.slice = h.slice
  where h.bits & t.bits <> coalesce(f.bits, B'0'::bit(32000))
), emptied as (
  delete from event_slices s using merged m
  where s.shard = $1::bigint and s.event_id = $2::integer and s.period = m.period and s.number = m.number
    and s.slice = m.slice and m.bits = B'0'::bit(32000)
), replaced as (
  update event_slices s set bits = m.bits from merged m
  where s.shard = $1::bigint and s.event_id = $2::integer and s.period = m.period and s.number = m.number
    and s.slice = m.slice and m.bits <> B'0'::bit(32000)
)
insert into event_slices (shard, event_id, period, number, slice, bits)
select $1::bigint, $2::integer, f.period, f.number, f.slice, f.bits
from fresh f
where not exists (
  select from held h where h.period = f.period and h.number = f.number and h.slice = f.slice)
