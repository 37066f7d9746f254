-- Looks at a page ($3) of calculations after id $1, oldest first, and deletes those that ended more than $2 days ago and are among the
-- facts. Those stay whose snapshot is there, which a segment's refresh refers to, and from a segment's last success on: kinds and
-- expected times come from there. `last`: where to go on; null: what follows is younger.
with page as materialized (
  select c.id, c.requested_at, c.segment_id, c.snapshot_id, c.recorded,
         c.finished_at < clock_timestamp() - make_interval(days => $2::integer) as old
  from calculations c
  where c.id > $1::bigint
  order by c.id
  limit $3::integer
), expired as (
  select c.id
  from calculations c
  join page p on p.id = c.id
  where p.old and p.recorded
    and not exists (select from snapshots n where n.id = p.snapshot_id)
    and not exists (select from segments s where s.asked_id = p.id)
    and (p.segment_id is null
         or exists (select from calculations k where k.segment_id = p.segment_id and k.id > p.id and k.state = 'succeeded'))
  for update of c skip locked
), gone as (
  delete from calculations c using expired where c.id = expired.id
)
select (select count(*)::integer from expired) as removed,
       case when count(*) = $3::integer and max(requested_at) < clock_timestamp() - make_interval(days => $2::integer)
         then max(id) end as last
from page
