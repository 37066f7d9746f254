-- Nobody else adds to the list meanwhile. In order, so that the indexes grow page by page.
with added as (
  insert into list_ids (list_id, external_id, workspace_id)
  select distinct $1::integer, s.external_id, $2::integer
  from staged_ids s
  where not exists (select from list_ids i where i.list_id = $1::integer and i.external_id = s.external_id)
  order by s.external_id
  returning external_id
)
insert into changed_ids (list_id, external_id) select $1::integer, external_id from added
