-- Of each of the segments $1, the newest definition among its own and those of all that it refers to.
with recursive reached as (
  select s.id as root, s.workspace_id, s.id, s.definition, s.condition
  from segments s
  where s.id = any ($1::integer[])
  union
  select r.root, s.workspace_id, s.id, s.definition, s.condition
  from reached r
  cross join lateral jsonb_path_query(r.condition, 'strict $.** ? (@.type == "segment").segment', '{}', true) as reference (key)
  join segments s on s.workspace_id = r.workspace_id and s.key = reference.key #>> '{}'
)
select root as id, max(definition) as definition from reached group by root
