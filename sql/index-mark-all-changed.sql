-- As index-mark-changed, for whatever the workspace has.
with properties as (
  update properties set changed = nextval('index_changes') where workspace_id = $1::integer
)
update event_names set changed = nextval('index_changes') where workspace_id = $1::integer
