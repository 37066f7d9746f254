with changed as (
  update slices set bits = set_bit(bits, $2::integer, 0)
  where shard = $1::bigint and get_bit(bits, $2::integer) = 1
  returning column_id, slice, bits
)
select column_id, slice from changed where bits = B'0'::bit(32000)
