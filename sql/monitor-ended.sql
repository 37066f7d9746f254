-- Calculations that have ended and are not among the facts, in the order in which they ended, at most $1. Those that ended in the last
-- $2 ms are left for later: their times with the commit are on their way (sql/calculations-finish.sql), and so are those that ended a
-- moment before them and are not committed yet. What ended before its kinds were known has those of the segment's last. definition: null where the version that was calculated is not the present one.
select c.id, c.workspace_id, w.name as workspace, c.segment_id, c.segment_key, c.segment_version,
       case when c.segment_version is null or c.segment_version >= s.definition_since then s.definition end as definition,
       coalesce(c.condition_kinds, (
         select k.condition_kinds from calculations k
         where k.segment_id = c.segment_id and k.condition_kinds is not null order by k.id desc limit 1)) as condition_kinds, c.trigger, c.state, c.error ->> 'code' as error_code, c.attempts, c.late, c.population, c.members,
       c.queue_ms, c.freshen_ms, c.compile_ms, c.query_ms, c.store_ms, c.total_ms, c.started_at, c.finished_at
from calculations c
join workspaces w on w.id = c.workspace_id
left join segments s on s.id = c.segment_id
where c.finished_at is not null and not c.recorded
  and c.finished_at < clock_timestamp() - make_interval(secs => $2::double precision / 1000)
order by c.finished_at, c.id
limit $1::integer
for update of c skip locked
