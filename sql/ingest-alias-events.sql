-- The events of $1, $2 become those of $3, $4. Gives which names on which days.
with moved as (
  update events set shard = $3::bigint, ordinal = $4::integer
  where shard = $1::bigint and ordinal = $2::integer
  returning event_id, occurred_at
)
select distinct event_id, floor(extract(epoch from occurred_at) / 86400)::integer as day from moved
