-- One page of property names with the types that some user has and the users for whom it is set. Slice -1 is presence;
-- an array column has none, there any element says that the type is in use. An overflowed column has no slices at all.
-- Paths that begin with a dot are those of lists.
with page as (
  select id, path
  from properties
  where workspace_id = $1::integer and path collate "C" > $2::text collate "C" and path <> '' and left(path, 1) <> '.'
  order by path collate "C"
  limit $3::integer
)
select p.path,
       coalesce(array_agg(c.type order by c.type) filter (where held.users > 0 or c.overflowed), '{}') as types,
       coalesce(max(held.users) filter (where c.type = 'set'), 0)::float8 as users
from page p
left join columns c on c.property_id = p.id
left join lateral (
  select case
           when c.type = 'array' then (
             select count(*) from chunks k
             where k.workspace_id = $1::integer
               and exists (select from slices s where s.shard = k.shard and s.column_id = c.id)
           )
           else (
             select sum(bit_count(s.bits))
             from chunks k
             join slices s on s.shard = k.shard and s.column_id = c.id and s.slice = -1
             where k.workspace_id = $1::integer and k.shard between $4::bigint and $5::bigint
           )
         end as users
) held on true
group by p.path
order by p.path collate "C";
