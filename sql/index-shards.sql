-- Every shard of a workspace that users, events or bitmaps may lie in.
select w.id::bigint * 1048576 + chunk as shard
from workspaces w cross join generate_series(0, (w.next_ordinal - 1) / 32000) as chunk
where w.id = $1::integer and w.next_ordinal > 0
union
select shard from chunks where workspace_id = $1::integer
order by shard
