-- $4: epoch milliseconds.
insert into events (shard, ordinal, event_id, occurred_at, properties)
select shard, ordinal, event_id, to_timestamp(ms / 1000), properties::jsonb
from unnest($1::bigint[], $2::integer[], $3::integer[], $4::double precision[], $5::text[])
  as new (shard, ordinal, event_id, ms, properties)
