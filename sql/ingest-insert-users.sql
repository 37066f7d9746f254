with named as (
  insert into user_keys (workspace_id, external_id, ordinal)
  select $1::integer, external_id, ordinal from unnest($3::integer[], $4::text[]) as new (ordinal, external_id)
)
insert into users (shard, ordinal, external_id, properties)
select shard, ordinal, external_id, properties::jsonb
from unnest($2::bigint[], $3::integer[], $4::text[], $5::text[]) as new (shard, ordinal, external_id, properties)
