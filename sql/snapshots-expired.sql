-- A batch ($4) of snapshots that nobody needs: older than $1 ms, not read for $2 ms, not pinned, and not among the newest $3
-- of their segment. Their bitmaps go with them.
with expired as (
  select n.id
  from snapshots n
  where not n.pinned
    and n.created_at < clock_timestamp() - make_interval(secs => $1::double precision / 1000)
    and (n.read_at is null or n.read_at < clock_timestamp() - make_interval(secs => $2::double precision / 1000))
    and n.id < (select k.id from snapshots k where k.segment_id = n.segment_id
                order by k.id desc offset $3::integer - 1 limit 1)
  order by n.id
  limit $4::integer
  for update skip locked
), bitmaps as (
  delete from snapshot_chunks b using expired where b.snapshot_id = expired.id
), gone as (
  delete from snapshots n using expired where n.id = expired.id
)
select count(*)::integer as removed from expired
