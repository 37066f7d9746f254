-- External ids, and the values of the properties whose paths are $3 (JSON arrays of their segments), of users by ordinal.
-- Erased users are not there any more.
select w.ordinal, u.external_id as "userId",
       case when $3::jsonb <> '[]' then
         (select jsonb_agg(u.properties #> (select array_agg(step order by at)
                                            from jsonb_array_elements_text(p.path) with ordinality as s (step, at))
                           order by p.at)
          from jsonb_array_elements($3::jsonb) with ordinality as p (path, at))
       end as values
from unnest($1::bigint[], $2::integer[]) with ordinality as w (shard, ordinal, at)
join users u on u.shard = w.shard and u.ordinal = w.ordinal
order by w.at
