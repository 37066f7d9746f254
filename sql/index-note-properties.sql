insert into pending_properties (shard, property_id, ordinal)
select * from unnest($1::bigint[], $2::integer[], $3::integer[])
