-- Tables of the service by name, partitions counted with the one that they belong to.
select coalesce(pg_partition_root(c.oid), c.oid)::regclass::text as name,
  sum(coalesce(s.n_live_tup, 0))::float8 as live_rows,
  sum(coalesce(s.n_dead_tup, 0))::float8 as dead_rows,
  sum(coalesce(s.n_mod_since_analyze, 0))::float8 as changed_since_analyze,
  sum(pg_table_size(c.oid))::float8 as bytes,
  sum(pg_indexes_size(c.oid))::float8 as index_bytes,
  sum(greatest(c.relpages, 0))::float8 as pages,
  sum(greatest(c.relallvisible, 0))::float8 as all_visible_pages,
  extract(epoch from max(greatest(s.last_vacuum, s.last_autovacuum)))::float8 * 1000 as last_vacuum,
  extract(epoch from max(greatest(s.last_analyze, s.last_autoanalyze)))::float8 * 1000 as last_analyze,
  coalesce(array_agg(distinct o.option order by o.option) filter (where o.option is not null), '{}') as options
from pg_class c
left join pg_stat_user_tables s on s.relid = c.oid
left join lateral unnest(c.reloptions) as o (option) on true
where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
group by 1
