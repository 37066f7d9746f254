-- Calculations that have ended and are not among the facts; oldest: how many ms ago the first of them ended.
select count(*)::integer as waiting, (extract(epoch from clock_timestamp() - min(finished_at)) * 1000)::double precision as oldest
from (select finished_at from calculations where finished_at is not null and not recorded order by finished_at, id limit 100000) c
