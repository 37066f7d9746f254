-- As index-count-events, of some users.
select e.ordinal,
       ((e.occurred_at at time zone 'UTC')::date - date '1970-01-01') * 8
         + date_part('hour', e.occurred_at at time zone 'UTC')::integer / 3 as part,
       count(*)::integer
from unnest($5::integer[]) as u (ordinal)
cross join lateral (
  select ordinal, occurred_at from events
  where shard = $1::bigint and ordinal = u.ordinal and event_id = $2::integer
    and occurred_at >= to_timestamp($3::double precision) and occurred_at < to_timestamp($4::double precision)
  offset 0
) e
group by 1, 2
