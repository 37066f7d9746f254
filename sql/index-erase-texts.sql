-- The text of user $3 of part $2 goes, in every column: the others keep their places.
update texts t
set content = (
  select array_to_string(held[:$3::integer] || ''::text || held[$3::integer + 2:], E'\x01')
  from string_to_array(t.content, E'\x01') held
)
where shard = $1::bigint and part = $2::smallint
