-- These properties and events have changes in the bitmaps that were not there before. To be called after the snapshot was
-- taken that shows those changes: decision 0023.
with properties as (
  update properties set changed = nextval('index_changes') where id = any($1::integer[])
)
update event_names set changed = nextval('index_changes') where id = any($2::integer[])
