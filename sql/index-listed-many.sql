-- As index-listed-few, by looking up every name of the chunk's users on the list.
select k.ordinal
from (
  select external_id, ordinal from user_keys
  where workspace_id = $1::integer and ordinal between $3::integer and $4::integer
  offset 0
) k
where (select true from list_ids i where i.list_id = $2::integer and i.external_id = k.external_id)
