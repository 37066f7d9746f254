-- One index instead of two: a calculation writes a bitmap a chunk, and all of its entries now come at the end of it.
alter table snapshot_chunks drop constraint snapshot_chunks_pkey;
alter table snapshot_chunks add primary key (snapshot_id, shard);
drop index snapshot_chunks_snapshot;
