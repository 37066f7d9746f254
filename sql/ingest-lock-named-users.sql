-- In the order of ingest-lock-users.
select from user_keys k
join users u on u.shard = (k.workspace_id::bigint << 20) | (k.ordinal / 32000) and u.ordinal = k.ordinal
where k.workspace_id = $1::integer and k.external_id = any ($2::text[])
order by u.shard, u.ordinal
for update of u
