-- Imports of processes that are gone or silent for $1 ms are run again from the beginning.
update imports i set state = 'queued', process_id = null
where i.state = 'running' and not exists (
  select from processes p
  where p.id = i.process_id and p.heartbeat_at > clock_timestamp() - make_interval(secs => $1::double precision / 1000))
returning i.id
