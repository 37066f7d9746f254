-- The lock on this row lets one transaction at a time create users of a workspace, in whatever process.
update workspaces set next_ordinal = next_ordinal + $2::integer where id = $1::integer
returning next_ordinal - $2::integer as first
