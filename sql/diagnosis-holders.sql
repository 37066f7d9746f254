-- Who keeps vacuum from taking dead rows away, the oldest first. $1: how many.
select kind, name, pid, application, user_name, state, since, age
from (
  select case when a.backend_type = 'walsender' then 'standby' else 'transaction' end as kind, null::text as name, a.pid,
    a.application_name as application, a.usename::text as user_name, a.state,
    extract(epoch from coalesce(a.xact_start, a.backend_start))::float8 * 1000 as since,
    greatest(age(a.backend_xmin), age(a.backend_xid)) as age
  from pg_stat_activity a
  where (a.backend_xmin is not null or a.backend_xid is not null) and a.pid <> pg_backend_pid()
    and (a.datname = current_database() or a.datname is null) and a.backend_type in ('client backend', 'walsender', 'parallel worker')
  union all
  select 'replication slot', s.slot_name::text, s.active_pid, null, null,
    case when s.active then 'active' else 'inactive' end, null, greatest(age(s.xmin), age(s.catalog_xmin))
  from pg_replication_slots s
  where s.xmin is not null or s.catalog_xmin is not null
  union all
  select 'prepared transaction', p.gid, null, null, p.owner::text, 'prepared', extract(epoch from p.prepared)::float8 * 1000, age(p.transaction)
  from pg_prepared_xacts p
  where p.database = current_database()
) h
where age is not null
order by age desc
limit $1
