with removed as (
  delete from list_ids i
  using (select distinct external_id from staged_ids) s
  where i.list_id = $1::integer and i.external_id = s.external_id
  returning i.external_id
)
insert into changed_ids (list_id, external_id) select $1::integer, external_id from removed
