with changed as (
  update event_slices set bits = set_bit(bits, $2::integer, 0)
  where shard = $1::bigint and get_bit(bits, $2::integer) = 1
  returning event_id, period, number, slice, bits
)
select event_id, period, number, slice from changed where bits = B'0'::bit(32000)
