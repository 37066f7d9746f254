-- Shards with pending changes of these properties and events (null: of any), in order.
select shard from pending_properties
where shard between $1::bigint and $2::bigint and ($5::bigint[] is null or shard = any($5::bigint[]))
  and ($3::integer[] is null or property_id = any($3::integer[]))
union
select shard from pending_events
where shard between $1::bigint and $2::bigint and ($5::bigint[] is null or shard = any($5::bigint[]))
  and ($4::integer[] is null or event_id = any($4::integer[]))
order by shard
