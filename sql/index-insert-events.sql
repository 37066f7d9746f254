insert into event_names (workspace_id, name)
select $1::integer, name from unnest($2::text[]) as name
on conflict (workspace_id, name) do nothing
