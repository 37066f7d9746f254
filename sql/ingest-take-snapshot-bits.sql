-- Takes one user out of every snapshot that it is a member of. $2: its offset in the chunk. By the snapshots of its workspace's
-- segments, as bitmaps are found by snapshot and shard alone.
update snapshot_chunks b set bits = set_bit(b.bits, $2::integer, 0)
from snapshots n
where n.segment_id in (select id from segments where workspace_id = ($1::bigint >> 20)::integer)
  and b.snapshot_id = n.id and b.shard = $1::bigint and get_bit(b.bits, $2::integer) = 1
returning b.snapshot_id
