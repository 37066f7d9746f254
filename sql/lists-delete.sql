-- The lists of segment $1 with all that was made of them. Under the fold lock, as bitmaps go, and with the workspace's row locked, so
-- that nobody is about to note a change of theirs as pending. $2, $3: shards of the workspace.
with gone as (
  delete from lists where segment_id = $1::integer returning id, property_id
), ids as (
  delete from list_ids where list_id = any(array(select id from gone))
), pending as (
  delete from pending_properties
  where property_id = any(array(select property_id from gone)) and shard between $2::bigint and $3::bigint
), held as (
  delete from columns where property_id = any(array(select property_id from gone)) returning id
), bitmaps as (
  delete from slices where column_id = any(array(select id from held)) and shard between $2::bigint and $3::bigint
)
delete from properties where id = any(array(select property_id from gone))
