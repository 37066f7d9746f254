-- The earliest departures of which every calculation has ended that may not have seen them. In order, and none before an earlier
-- one: a user may have become one who became another.
select d.id, d.ordinal, d.became
from departures d
where d.workspace_id = $1::integer
  and d.id < coalesce(
    (select w.id from departures w
     where w.workspace_id = $1::integer
       and (w.awaited is null
            or exists (select from calculations c where c.id = any (w.awaited) and c.state = 'running'))
     order by w.id limit 1),
    9223372036854775807)
order by d.id
limit $2::integer
