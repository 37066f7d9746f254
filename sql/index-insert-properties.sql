insert into properties (workspace_id, path)
select $1::integer, path from unnest($2::text[]) as path
on conflict (workspace_id, path) do nothing
