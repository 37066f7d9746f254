-- The segments $2 and all that they reach through references: their conditions as one statement's snapshot shows them.
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
select id, key, version, condition from reached
