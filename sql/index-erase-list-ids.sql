with erased as (
  delete from list_ids where workspace_id = $1::integer and external_id = any($2::text[]) returning list_id
)
update lists l set ids = l.ids - gone.ids
from (select list_id, count(*)::integer as ids from erased group by list_id) as gone
where l.id = gone.list_id
