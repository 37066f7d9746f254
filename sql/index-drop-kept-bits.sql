-- $1, $2: shards and properties that are folded anew: what is kept of leaves and trees that read these properties there is out of date.
delete from kept_bits b
using unnest($1::bigint[], $2::integer[]) as folded (shard, property_id)
join kept_properties k on k.property_id = folded.property_id
where b.shard = folded.shard and b.leaf_id = k.leaf_id
