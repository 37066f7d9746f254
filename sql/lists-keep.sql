-- Takes off a list what is not among the ids.
with removed as (
  delete from list_ids i
  where i.list_id = $1::integer and not exists (select from staged_ids s where s.external_id = i.external_id)
  returning i.external_id
)
insert into changed_ids (list_id, external_id) select $1::integer, external_id from removed
