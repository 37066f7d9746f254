-- The segments $2 and all that they reach through references, as one statement's snapshot shows them: their conditions and lists.
with recursive reached as (
  select s.id, s.key, s.version, s.condition
  from segments s
  where s.workspace_id = $1::integer and s.key = any ($2::text[])
  union
  select s.id, s.key, s.version, s.condition
  from reached r
  cross join lateral jsonb_path_query(r.condition, 'strict $.** ? (@.type == "segment").segment', '{}', true) as reference (key)
  join segments s on s.workspace_id = $1::integer and s.key = reference.key #>> '{}'
)
select id, key, version, condition,
       (select jsonb_object_agg(l.role, l.id) from lists l where l.segment_id = r.id) as lists
from reached r
