-- Who merges or erases users waits for who creates them, and the other way round.
select next_ordinal from workspaces where id = $1::integer for no key update
