insert into chunks as c (shard, workspace_id, chunk, users)
select $1::bigint, $2::integer, $3::integer, ($4::varbit[])[1]
on conflict (shard) do update
set users = (c.users & ~($4::varbit[])[2]) | excluded.users
where c.users & ($4::varbit[])[2] <> excluded.users
