-- Ids of list $2 of segment $1 behind $3, in their order.
select i.external_id
from list_ids i
where i.list_id = (select l.id from lists l where l.segment_id = $1::integer and l.role = $2::text)
  and i.external_id > $3::text
order by i.external_id
limit $4::integer
