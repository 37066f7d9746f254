-- Who refers to segment $2: at most a few are named.
select s.key
from segments s
where s.workspace_id = $1::integer and s.key <> $2::text
  and jsonb_path_exists(s.condition, 'strict $.** ? (@.type == "segment" && @.segment == $key)',
                        jsonb_build_object('key', $2::text), true)
order by s.key
limit $3::integer
