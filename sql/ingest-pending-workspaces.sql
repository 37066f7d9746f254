-- Workspaces that have something to fold, by jumping from one workspace's first pending shard to the next workspace's: the time
-- grows with the number of workspaces and not with what is pending. Those with a running import are left out, as it
-- would be folded again and again; calculations fold what they need. Many: there are $1 marks; every: among the first so many is one
-- for every user of a shard, which no calculation can correct by itself.
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
select pending.workspace_id::integer as id, marks.many, marks.every
from (select * from properties union select * from events) pending
cross join lateral (
  select count(*) >= $1::integer as many, coalesce(bool_or(m.ordinal < 0), false) as every
  from (
    (select p.ordinal from pending_properties p
     where p.shard >= pending.workspace_id << 20 and p.shard < (pending.workspace_id + 1) << 20 limit $1::integer)
    union all
    (select p.ordinal from pending_events p
     where p.shard >= pending.workspace_id << 20 and p.shard < (pending.workspace_id + 1) << 20 limit $1::integer)
  ) m
) marks
where pending.workspace_id is not null
  and not exists (select from imports i where i.state = 'running' and i.workspace_id = pending.workspace_id)
