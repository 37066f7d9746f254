-- The times of calculations $1 with their commits, which the statements that made them could not know.
update calculations c
set store_ms = late.store_ms, total_ms = late.total_ms
from unnest($1::bigint[], $2::double precision[], $3::double precision[]) as late (id, store_ms, total_ms)
where c.id = late.id and c.state = 'succeeded'
