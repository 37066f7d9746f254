-- Who merges or erases users, or changes a list of userIds, waits for who creates them, and the other way round.
select next_ordinal, has_lists from workspaces where id = $1::integer for no key update
