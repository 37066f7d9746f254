-- One page of event names with the users who ever did it (the union of all slices of all months) and the last day.
with page as (
  select id, name
  from event_names
  where workspace_id = $1::integer and name collate "C" > $2::text collate "C"
  order by name collate "C"
  limit $3::integer
)
select p.name, coalesce(seen.users, 0)::float8 as users, seen.last_day
from page p
left join lateral (
  select sum(bit_count(ever.bits)) as users, max(newest.number) as last_day
  from chunks k
  cross join lateral (
    select bit_or(s.bits) as bits
    from event_slices s
    where s.shard = k.shard and s.event_id = p.id and s.period = 1
  ) ever
  left join lateral (
    select s.number
    from event_slices s
    where s.shard = k.shard and s.event_id = p.id and s.period = 0
    order by s.number desc
    limit 1
  ) newest on true
  where k.workspace_id = $1::integer and k.shard between $4::bigint and $5::bigint
) seen on true
order by p.name collate "C";
