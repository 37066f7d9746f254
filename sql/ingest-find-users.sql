-- Ordinals of users by any of their names, and on the row without a name the ordinal that the next new user gets: read in the
-- same snapshot, so that a later `ingest-reserve-ordinals` tells whether somebody was created in between.
select null::text as external_id, next_ordinal as ordinal from workspaces where id = $1::integer
union all
select external_id, ordinal from user_keys where workspace_id = $1::integer and external_id = any($2::text[])
