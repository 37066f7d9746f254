-- Width and sign of each column, from the slices of the whole workspace.
update columns c
set width = held.width, has_negative = held.has_negative
from (
  select c.id, coalesce(max(s.slice) filter (where s.slice >= 0) + 1, 0) as width,
         coalesce(bool_or(s.slice = -2), false) as has_negative
  from columns c
  left join slices s on s.column_id = c.id and s.shard between $2::bigint and $3::bigint
  where c.workspace_id = $1::integer
  group by c.id
) as held
where c.id = held.id and (c.width, c.has_negative) is distinct from (held.width, held.has_negative)
