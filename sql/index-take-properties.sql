-- Takes what is pending of a shard: exactly the rows that this transaction sees. A null list of users: every one.
with taken as (
  delete from pending_properties
  where shard = $1::bigint and ($2::integer[] is null or property_id = any($2::integer[]))
  returning property_id, ordinal
)
select property_id,
       case when bool_or(ordinal = -1) or count(distinct ordinal) > $3::integer then null
            else array_agg(distinct ordinal) end as ordinals
from taken
group by property_id
order by property_id
