-- Nothing where another process has taken the import over.
update imports
set bytes_read = $3::bigint, rows = $4::bigint, accepted = $5::bigint, rejected = $6::bigint, errors = $7::jsonb
where id = $1::bigint and process_id = $2::uuid and state = 'running'
