-- Imports that a process ($1) holds without running them wait again.
update imports set state = 'queued', process_id = null
where process_id = $1::uuid and state = 'running'
