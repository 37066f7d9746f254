delete from texts t
using unnest($1::bigint[], $2::integer[]) as w (shard, column_id)
where t.shard = w.shard and t.column_id = w.column_id
