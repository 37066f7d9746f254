-- All that a condition needs to be compiled, in one round trip. $2: property paths, of which '' is who exists; $3: event names; $4,
-- $5, $6: path, column type and digest of each value whose code is needed, of which the position in the arrays is given back. $7, $8:
-- shards of the workspace, both inside: a row 'pending' where changes are noted that the bitmaps lack, of which $9 are counted.
with property as materialized (
  select id, path from properties where workspace_id = $1::integer and path = any($2::text[])
), event as materialized (
  select id, name from event_names where workspace_id = $1::integer and name = any($3::text[])
), held as materialized (
  select p.path, c.xmin as version, c.id, c.type, c.scale, c.unit_ms, c.width, c.has_negative, c.overflowed
  from property p join columns c on c.property_id = p.id
)
select 'property' as kind, id, path as name, null::text as type, null::integer as scale, null::integer as unit_ms,
       null::integer as width, null::boolean as has_negative, null::boolean as overflowed
from property
union all
select 'column', id, path, type, scale, unit_ms, width, has_negative, overflowed from held
union all
select 'event', id, name, null, null, null, null, null, null
from event
union all
-- scale: the code, unit_ms: the position
select 'code', h.id, null, null, d.code, wanted.position::integer, null, null, null
from unnest($4::text[], $5::text[], $6::uuid[]) with ordinality as wanted (path, type, digest, position)
join held h on h.path = wanted.path and h.type = wanted.type
join dictionary d on d.column_id = h.id and d.digest = wanted.digest
union all
select 'versions', null, array_agg(version order by id)::text, null, null, null, null, null, null
from held
having count(*) > 0
union all
-- name: the leaf or tree
select 'kept', k.id, k.leaf, null, null, null, null, null, null
from kept_leaves k
where k.id in (select r.leaf_id from property p join kept_properties r on r.property_id = p.id)
union all
-- id: how many marks, overflowed: one of them is for every user of a shard
select 'pending', count(*)::integer, null, null, null, null, null, null, bool_or(ordinal < 0)
from (
  (select ordinal from pending_properties
   where property_id = any(array(select id from property))
     and shard between $7::bigint and $8::bigint
   limit $9::bigint)
  union all
  (select ordinal from pending_events
   where event_id = any(array(select id from event))
     and shard between $7::bigint and $8::bigint
   limit $9::bigint)
) marks
having count(*) > 0
