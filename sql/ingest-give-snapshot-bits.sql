-- Makes one user a member of the snapshots $3, and gives those that it was a member of already. $2: its offset in the chunk.
-- A snapshot that somebody is removing is waited for: it would not see a bitmap that is added now, and leave it behind.
with there as materialized (
  select id from snapshots where id = any($3::bigint[]) order by id for key share
), already as (
  select snapshot_id from snapshot_chunks
  where shard = $1::bigint and snapshot_id = any($3::bigint[]) and get_bit(bits, $2::integer) = 1
), given as (
  insert into snapshot_chunks as held (shard, snapshot_id, bits)
  select $1::bigint, id, set_bit(0::bit(32000), $2::integer, 1) from there
  where id not in (select snapshot_id from already)
  on conflict (shard, snapshot_id) do update set bits = held.bits | excluded.bits
)
select snapshot_id from already
