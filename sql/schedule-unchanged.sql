-- Whether segment $2 would get the members that it has: a calculation not older than $3 has succeeded, and nothing that it
-- read has changed since (decision 0023). $4, $5: the properties and events that its condition reads; $6, $7: shards of the
-- workspace, both inside. An event that was known already and whose time has come since is a change, too.
with last as materialized (
  select c.seen_changes, c.as_of
  from calculations c
  where c.segment_id = $2::integer and c.state = 'succeeded' and c.id >= $3::bigint
  order by c.id desc
  limit 1
), property as materialized (
  select id, changed from properties where workspace_id = $1::integer and (path = any($4::text[]) or path = '')
), event as materialized (
  select id, changed from event_names where workspace_id = $1::integer and name = any($5::text[])
)
select exists (
  select from last l
  where l.as_of <= clock_timestamp()
    and not exists (select from property p where p.changed > l.seen_changes)
    and not exists (select from event e where e.changed > l.seen_changes)
    and not exists (
      select from pending_properties
      where property_id = any(array(select id from property)) and shard between $6::bigint and $7::bigint)
    and not exists (
      select from pending_events
      where event_id = any(array(select id from event)) and shard between $6::bigint and $7::bigint)
    and not exists (
      select from chunks c
      cross join lateral (
        select from events e
        where e.shard = c.shard and e.event_id = any(array(select id from event))
          and e.occurred_at > l.as_of and e.occurred_at <= clock_timestamp()
        limit 1
      ) came
      where c.shard between $6::bigint and $7::bigint)
) as unchanged
