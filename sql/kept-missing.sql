-- Leaves of workspace $1 of which some chunk lacks its bitmap.
select k.id, k.leaf
from kept_leaves k
where k.workspace_id = $1::integer
  and exists (
    select from chunks c
    where c.workspace_id = $1::integer
      and not exists (select from kept_bits b where b.shard = c.shard and b.leaf_id = k.id))
order by k.id
