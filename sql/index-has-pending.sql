-- $1: workspace; $2, $3: properties and events; shards from $4 to $5, and only these if $6 is not null.
select exists (
  select from pending_properties
  where property_id = any($2::integer[] || array(select id from properties where workspace_id = $1::integer and path = ''))
    and shard between $4::bigint and $5::bigint and ($6::bigint[] is null or shard = any($6::bigint[]))
) or exists (
  select from pending_events
  where event_id = any($3::integer[])
    and shard between $4::bigint and $5::bigint and ($6::bigint[] is null or shard = any($6::bigint[]))
) as pending
