-- What stands in these parts, of those that there are.
select w.n::integer as n, t.content
from unnest($1::bigint[], $2::integer[], $3::integer[]) with ordinality as w (shard, column_id, part, n)
cross join lateral (
  select content from texts t
  where t.shard = w.shard and t.column_id = w.column_id and t.part = w.part::smallint
  offset 0
) t
