-- Takes back what silent processes hold ($2: the lease in ms), and what process $1 itself no longer holds ($3: the ids that
-- it does; $4: grace in ms for a claim that is still on its way back). $5: attempts at most.
update calculations c
set state = case when c.attempts < $5::integer then 'queued' else 'failed' end,
    run_after = clock_timestamp(),
    started_at = case when c.attempts < $5::integer then null else c.started_at end,
    finished_at = case when c.attempts < $5::integer then null else clock_timestamp() end,
    late = c.attempts >= $5::integer and coalesce(c.deadline < clock_timestamp(), false),
    process_id = null,
    error = jsonb_build_object('code', 'process_lost', 'message', 'the process that ran it has stopped')
where c.state = 'running'
  and (
    not exists (
      select from processes p
      where p.id = c.process_id
        and p.heartbeat_at > clock_timestamp() - make_interval(secs => $2::double precision / 1000))
    or (c.process_id = $1::uuid and c.id <> all ($3::bigint[])
        and c.started_at < clock_timestamp() - make_interval(secs => $4::double precision / 1000))
  )
returning c.id, c.state
