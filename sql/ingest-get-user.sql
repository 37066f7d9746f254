select u.external_id, u.properties, u.created_at, u.updated_at
from user_keys k
join users u on u.shard = (k.workspace_id::bigint << 20) | (k.ordinal / 32000) and u.ordinal = k.ordinal
where k.workspace_id = $1::integer and k.external_id = $2::text
