insert into pending_events (shard, event_id, day, ordinal)
select * from unnest($1::bigint[], $2::integer[], $3::integer[], $4::integer[])
