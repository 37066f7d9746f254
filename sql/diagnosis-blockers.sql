-- Who keeps others waiting for a lock now; of those who wait for each other the one in front.
with waiting as (
  select a.pid, unnest(pg_blocking_pids(a.pid)) as blocker
  from pg_stat_activity a
  where a.wait_event_type = 'Lock' and a.datname = current_database()
), wanted as (
  select distinct on (l.pid) l.pid, coalesce(l.relation::regclass::text, l.locktype) as relation, l.mode
  from pg_locks l
  where not l.granted
  order by l.pid, l.relation nulls last
)
select b.pid, b.application_name as application, b.usename::text as user_name, b.state,
  extract(epoch from coalesce(b.xact_start, b.backend_start))::float8 * 1000 as since,
  min(d.relation) as relation, min(d.mode) as mode, count(*)::integer as waiting
from waiting w
join pg_stat_activity b on b.pid = w.blocker
left join wanted d on d.pid = w.pid
where not exists (select from waiting f where f.pid = w.blocker)
group by 1, 2, 3, 4, 5
order by waiting desc, b.pid
