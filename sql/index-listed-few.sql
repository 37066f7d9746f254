-- Users of a chunk ($3 to $4, both inside) who stand on list $2, by looking up every name of the list. Laterals behind `offset 0`:
-- whatever the statistics say, neither table is read as a whole.
select k.ordinal
from (select external_id from list_ids where list_id = $2::integer offset 0) i
cross join lateral (
  select ordinal from user_keys where workspace_id = $1::integer and external_id = i.external_id offset 0
) k
where k.ordinal between $3::integer and $4::integer
