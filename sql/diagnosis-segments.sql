-- Of the last $1 calculations each segment once, with its kinds, those that were calculated most first.
select w.name as workspace, c.segment_key as segment, (array_agg(array_to_json(c.condition_kinds) order by c.id desc))[1] as kinds,
  count(*)::integer as calculations
from (select * from calculations order by id desc limit $1::integer) c
join workspaces w on w.id = c.workspace_id
where c.state = 'succeeded' and c.segment_id is not null and c.condition_kinds is not null
group by 1, 2
order by calculations desc, workspace, segment
