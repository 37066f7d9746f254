-- The first statement of a calculation's transaction, in one round trip: whether it is still wanted, the segment with all
-- that it refers to, the snapshot before, and a number for the new one.
with recursive reached as (
  select s.id, s.key, s.version, s.condition
  from segments s
  where s.id = $4::integer
  union
  select s.id, s.key, s.version, s.condition
  from reached r
  cross join lateral jsonb_path_query(r.condition, 'strict $.** ? (@.type == "segment").segment', '{}', true)
    as reference (key)
  join segments s on s.workspace_id = $5::integer and s.key = reference.key #>> '{}'
)
select
  (select jsonb_agg(to_jsonb(r)) from reached r) as definitions,
  (select n.id from snapshots n where n.segment_id = $4::integer order by n.id desc limit 1) as previous_id,
  nextval(pg_get_serial_sequence('snapshots', 'id')) as snapshot_id
from calculations c
where c.id = $1::bigint and c.state = 'running' and c.process_id = $2::uuid and c.attempts = $3::integer
