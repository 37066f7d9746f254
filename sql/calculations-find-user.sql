-- One user's ordinal by any of its names (null: nobody), and the ids of the events $3 by name, as one snapshot shows them.
select
  (select k.ordinal from user_keys k where k.workspace_id = $1::integer and k.external_id = $2::text) as ordinal,
  (select coalesce(jsonb_object_agg(n.name, n.id), '{}') from event_names n
   where n.workspace_id = $1::integer and n.name = any($3::text[])) as events
