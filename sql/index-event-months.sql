-- Months (as in index-take-events) of each event that a shard has rows or bitmaps of.
select event_id, (extract(year from day)::integer + (extract(year from day) < 0)::integer) * 12
                   + extract(month from day)::integer - 23641 as month
from (
  select distinct event_id, date_trunc('month', occurred_at at time zone 'UTC')::date as day
  from events where shard = $1::bigint
  union
  select distinct event_id, date_trunc('month', date '1970-01-01' + number)::date
  from event_slices where shard = $1::bigint and period = 0
  union
  select distinct event_id, date_trunc('month', date '1970-01-01' + (number >> 3))::date
  from event_slices where shard = $1::bigint and period = 3
) as d
union
select distinct event_id, number from event_slices where shard = $1::bigint and period = 1
union
select distinct event_id, number >> 2 from event_slices where shard = $1::bigint and period = 2
order by event_id, month
