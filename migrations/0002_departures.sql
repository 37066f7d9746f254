-- Users who were erased or merged into another. A calculation that began before that and commits after it stores their bits;
-- what is noted here takes them out again once no such calculation can be left (src/ingest/departures.ts).
create table departures (
  workspace_id integer not null references workspaces (id),
  id bigint generated always as identity,      -- in the order of commits: the workspace's row is locked meanwhile
  ordinal integer not null,
  became integer,                              -- the ordinal of the user that it was merged into; null: erased
  awaited bigint[],                            -- calculations that ran when this was first seen; null: not seen yet
  primary key (workspace_id, id)
);
