update imports
set state = $3::text, error = $4::jsonb, finished_at = clock_timestamp(), process_id = null
where id = $1::bigint and process_id = $2::uuid and state = 'running'
