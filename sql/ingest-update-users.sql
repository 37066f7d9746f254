update users u
set properties = changed.properties::jsonb, updated_at = clock_timestamp()
from unnest($1::bigint[], $2::integer[], $3::text[]) as changed (shard, ordinal, properties)
where u.shard = changed.shard and u.ordinal = changed.ordinal
