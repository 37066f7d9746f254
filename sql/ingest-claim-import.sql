-- The oldest import whose file lies in this process's folder ($2, with its separator) and is not in $3.
update imports
set state = 'running', process_id = $1::uuid, started_at = clock_timestamp(),
    bytes_read = 0, rows = 0, accepted = 0, rejected = 0, errors = '[]'
where id = (
  select id from imports
  where state = 'queued' and starts_with(path, $2::text) and id <> all($3::bigint[])
  order by id limit 1 for update skip locked
)
returning id, workspace_id
