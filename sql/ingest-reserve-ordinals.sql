-- The lock on this row lets one transaction at a time create users of a workspace, in whatever process. Whether there are lists of
-- userIds is read from the row as it is once it is locked, so that none that was committed before is missed.
update workspaces set next_ordinal = next_ordinal + $2::integer where id = $1::integer
returning next_ordinal - $2::integer as first, has_lists
