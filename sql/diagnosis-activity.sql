-- What the connections that work wait for at this moment, and what was counted until now. Asked every few seconds.
select
  (select coalesce(jsonb_object_agg(w.kind, w.count), '{}')
   from (select coalesce(a.wait_event_type, 'CPU') as kind, count(*) as count
         from pg_stat_activity a
         where a.datname = current_database() and a.state = 'active' and a.backend_type = 'client backend' and a.pid <> pg_backend_pid()
         group by 1) w) as waits,
  extract(epoch from clock_timestamp())::float8 * 1000 as at,
  d.blks_hit::float8 as hit_blocks, d.blks_read::float8 as read_blocks, d.blk_read_time as read_ms,
  d.temp_bytes::float8 as temp_bytes, d.xact_commit::float8 as commits
from pg_stat_database d
where d.datname = current_database()
