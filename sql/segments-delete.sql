-- Before segment $1, whose row is locked, goes: ends what waits or runs, and removes the bitmaps of its snapshots (their
-- rows go with it). Two parts for the two partial indexes of open calculations.
with removed as (
  delete from snapshot_chunks b
  using snapshots s
  where s.segment_id = $1::integer and b.snapshot_id = s.id
)
update calculations c
set state = 'cancelled', finished_at = clock_timestamp(),
    error = jsonb_build_object('code', 'segment_deleted', 'message', 'the segment was deleted')
where c.segment_id = $1::integer
  and c.id in (
    select id from calculations where segment_id = $1::integer and state = 'queued'
    union all
    select id from calculations where segment_id = $1::integer and state = 'running')
returning c.id
