-- The tables $1 with their partitions: rows, dead rows, bytes with indexes.
select r.relname as name, sum(t.n_live_tup)::float8 as live, sum(t.n_dead_tup)::float8 as dead,
       sum(pg_total_relation_size(t.relid))::float8 as bytes
from pg_stat_user_tables t
join pg_class r on r.oid = coalesce(pg_partition_root(t.relid), t.relid)
where t.schemaname = current_schema() and r.relname = any($1::text[])
group by r.relname
order by r.relname
