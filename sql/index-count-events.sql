-- Events a user and part of a day (eight a day since 1970-01-01) of one shard and event, in a month that begins and ends at these epoch seconds.
select ordinal,
       ((occurred_at at time zone 'UTC')::date - date '1970-01-01') * 8
         + date_part('hour', occurred_at at time zone 'UTC')::integer / 3 as part,
       count(*)::integer
from events
where shard = $1::bigint and event_id = $2::integer
  and occurred_at >= to_timestamp($3::double precision) and occurred_at < to_timestamp($4::double precision)
group by 1, 2
