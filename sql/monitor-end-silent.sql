-- Ends the session that holds lock $1 where its process has not said for $2 ms that it is at work. A row: it was ended.
select pg_terminate_backend(l.pid) as ended
from pg_locks l
join pg_stat_activity a on a.pid = l.pid
cross join monitor_state s
where l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
  and l.classid = 0 and l.objid = $1::bigint and l.objsubid = 1 and l.granted
  and greatest(s.heartbeat_at, a.query_start, a.state_change) < clock_timestamp() - make_interval(secs => $2::double precision / 1000)
