-- No row: it has ended already, or is not of this workspace.
update calculations c
set state = 'cancelled', finished_at = clock_timestamp(), late = coalesce(c.deadline < clock_timestamp(), false),
    error = jsonb_build_object('code', 'cancelled', 'message', 'cancelled on request')
where c.workspace_id = $1::integer and c.id = $2::bigint and c.state in ('queued', 'running')
returning c.id
