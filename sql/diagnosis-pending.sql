-- Changes that the bitmaps lack, and whose they are mostly. Counts no further than $1 of either kind.
with properties as (select shard from pending_properties limit $1::integer),
events as (select shard from pending_events limit $1::integer),
largest as (
  select shard >> 20 as workspace_id, count(*)::integer as count
  from (select shard from properties union all select shard from events) p
  group by 1 order by 2 desc limit 1
)
select (select count(*) from properties)::integer as properties, (select count(*) from events)::integer as events,
  (select w.name from largest l join workspaces w on w.id = l.workspace_id) as largest,
  coalesce((select count from largest), 0) as largest_count
