-- Bitmaps that are kept of leaves which stored segments have and which take several slices to evaluate (decision 0039). Only the
-- holder of the workspace's fold lock changes these tables.
create table kept_leaves (
  id integer generated always as identity primary key,  -- never given again: threads remember what they stand for
  workspace_id integer not null references workspaces (id),
  property_id integer not null references properties (id),
  digest uuid not null,                        -- first 16 bytes of sha256(leaf)
  leaf text not null,                          -- as the compiler writes it (`leafKey`): a positive operator, no relative time
  unique (workspace_id, digest)
);
create index kept_leaves_property on kept_leaves (property_id);

-- Who the leaf holds for, as far as the slices know. A shard without a row has to be evaluated: whoever folds a property of a
-- shard takes the rows of its leaves away. All-zero bitmaps are stored, since their absence says something else.
create table kept_bits (
  shard bigint not null,
  leaf_id integer not null,
  bits bit(32000) not null,
  primary key (shard, leaf_id)
);
alter table kept_bits alter column bits set storage plain;
