-- The lists that hold these names. An index lookup a name, whatever the statistics say.
select n.name as external_id, i.list_id
from unnest($2::text[]) as n (name)
cross join lateral (
  select list_id from list_ids where workspace_id = $1::integer and external_id = n.name offset 0
) i
