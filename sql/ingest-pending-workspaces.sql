-- Workspaces that have something to fold, by jumping from one workspace's first pending shard to the next workspace's: the time
-- grows with the number of workspaces and not with what is pending. Those with a running import are left out, as it
-- would be folded again and again; calculations fold what they need.
with recursive properties (workspace_id) as (
  (select shard >> 20 from pending_properties order by shard limit 1)
  union all
  select (select p.shard >> 20 from pending_properties p where p.shard >= (found.workspace_id + 1) << 20 order by p.shard limit 1)
  from properties found where found.workspace_id is not null
), events (workspace_id) as (
  (select shard >> 20 from pending_events order by shard limit 1)
  union all
  select (select p.shard >> 20 from pending_events p where p.shard >= (found.workspace_id + 1) << 20 order by p.shard limit 1)
  from events found where found.workspace_id is not null
)
select workspace_id::integer as id from (select * from properties union select * from events) pending
where workspace_id is not null
  and not exists (select from imports i where i.state = 'running' and i.workspace_id = pending.workspace_id)
