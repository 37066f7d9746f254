-- Those of partitions go with their tables' and are left out.
select c.relname as name, x.indrelid::regclass::text as table_name, pg_get_indexdef(c.oid) as definition,
  x.indisvalid and x.indisready as valid, pg_relation_size(c.oid)::float8 as bytes
from pg_index x
join pg_class c on c.oid = x.indexrelid
where c.relnamespace = current_schema()::regnamespace and not c.relispartition
order by c.relname
