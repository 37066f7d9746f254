-- Takes one user out of every snapshot that it is a member of. $2: its offset in the chunk.
update snapshot_chunks set bits = set_bit(bits, $2::integer, 0)
where shard = $1::bigint and get_bit(bits, $2::integer) = 1
returning snapshot_id
