-- Gives back those that had been there before: mostly none, which is nothing to send and to read.
with inserted as (
  insert into message_keys (shard, ordinal, key)
  select * from unnest($1::bigint[], $2::integer[], $3::uuid[])
  on conflict (shard, ordinal, key) do nothing
  returning ordinal, key
)
select ordinal, key from unnest($2::integer[], $3::uuid[]) as wanted (ordinal, key)
except all
select ordinal, key from inserted
