with moved as (
  delete from message_keys where shard = $1::bigint and ordinal = $2::integer returning key
)
insert into message_keys (shard, ordinal, key)
select $3::bigint, $4::integer, key from moved
on conflict (shard, ordinal, key) do nothing
