-- Every user of every shard of the workspace $1 that has bitmaps, for one property.
insert into pending_properties (shard, property_id, ordinal)
select shard, $2::integer, -1 from chunks where workspace_id = $1::integer
