-- How long the oldest calculation has waited that could run: not one that is planned for later, nor one behind its own segment's.
select coalesce(extract(epoch from clock_timestamp() - min(greatest(c.requested_at, c.run_after, c.planned_start_at))) * 1000, 0)::real
         as waiting_ms
from calculations c
where c.state = 'queued' and c.run_after <= clock_timestamp() and coalesce(c.planned_start_at <= clock_timestamp(), true)
  and not exists (select from calculations r where r.segment_id = c.segment_id and r.state = 'running')
