-- Keeps the leaves $1 no more, of shards from $2 to $3. Threads that remember them find no bitmaps, and evaluate.
with gone as (
  delete from kept_leaves where id = any($1::integer[]) returning id
)
delete from kept_bits b using gone
where b.leaf_id = gone.id and b.shard between $2::bigint and $3::bigint
