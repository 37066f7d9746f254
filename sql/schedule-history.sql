-- How long the last calculations ($3 of each) of the segments $2 took from claim to commit, by their present definition, and of how
-- many users; newest first.
select s.key, s.id, s.version,
       (select count(*)::integer from chunks k where k.workspace_id = s.workspace_id) as chunks,
       array(select row_to_json(r) from (
         select greatest(c.total_ms - c.queue_ms, 0) as ms, c.population
         from calculations c
         where c.segment_id = s.id and c.state = 'succeeded' and c.segment_version = s.version
           and c.total_ms is not null and c.population is not null
         order by c.id desc
         limit $3::integer) r) as runs
from segments s
where s.workspace_id = $1::integer and s.key = any($2::text[])
