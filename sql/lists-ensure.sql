-- Gives segment $2 the lists $3 that it has not yet, each with the property that its bitmaps are those of. The caller keeps others from
-- changing the segment's lists.
with wanted as materialized (
  select nextval(pg_get_serial_sequence('lists', 'id'))::integer as id, w.role
  from unnest($3::text[]) as w (role)
  where not exists (select from lists l where l.segment_id = $2::integer and l.role = w.role)
), property as (
  insert into properties (workspace_id, path)
  select $1::integer, '.list.' || id from wanted
  returning id, path
)
insert into lists (id, workspace_id, segment_id, role, property_id)
overriding system value
select w.id, $1::integer, $2::integer, w.role, p.id
from wanted w join property p on p.path = '.list.' || w.id
