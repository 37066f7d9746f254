-- The largest and the busiest workspaces, of the last $2 calculations. $1: how many workspaces.
with latest as (
  select workspace_id, coalesce(freshen_ms, 0) + coalesce(compile_ms, 0) + coalesce(query_ms, 0) + coalesce(store_ms, 0) as took_ms
  from (select * from calculations order by id desc limit $2::integer) c
  where state = 'succeeded' and finished_at > now() - interval '1 hour'
), busy as (
  select workspace_id, sum(took_ms) as calculation_ms, count(*)::integer as calculations from latest group by 1
)
select w.name, w.next_ordinal as users, coalesce(b.calculation_ms, 0)::float8 as calculation_ms, coalesce(b.calculations, 0) as calculations
from workspaces w
left join busy b on b.workspace_id = w.id
order by b.calculation_ms desc nulls last, w.next_ordinal desc
limit $1
