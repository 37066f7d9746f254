insert into texts (shard, column_id, part, content)
select shard, column_id, part, content
from unnest($1::bigint[], $2::integer[], $3::integer[], $4::text[]) as n (shard, column_id, part, content)
on conflict (shard, column_id, part) do update set content = excluded.content
