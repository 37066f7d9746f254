-- What is not given back had been applied before.
insert into message_keys (shard, ordinal, key)
select * from unnest($1::bigint[], $2::integer[], $3::uuid[])
on conflict (shard, ordinal, key) do nothing
returning ordinal, key
