-- As index-take-properties; months since January 1970, where the year before 1 is −1 for PostgreSQL.
with taken as (
  delete from pending_events
  where shard = $1::bigint and ($2::integer[] is null or event_id = any($2::integer[]))
  returning event_id, date '1970-01-01' + day as day, ordinal
)
select event_id, (extract(year from day)::integer + (extract(year from day) < 0)::integer) * 12
                   + extract(month from day)::integer - 23641 as month,
       case when bool_or(ordinal = -1) or count(distinct ordinal) > $3::integer then null
            else array_agg(distinct ordinal) end as ordinals
from taken
group by event_id, month
order by event_id, month
