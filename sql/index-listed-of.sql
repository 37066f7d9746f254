-- As index-listed-few, those among the users $3.
select k.ordinal
from unnest($3::integer[]) as wanted (ordinal)
cross join lateral (
  select external_id, ordinal from user_keys where workspace_id = $1::integer and ordinal = wanted.ordinal offset 0
) k
where (select true from list_ids i where i.list_id = $2::integer and i.external_id = k.external_id)
