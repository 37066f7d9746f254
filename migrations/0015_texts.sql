-- The texts of columns that are hashed, so that `contains` need not read the rows: those of 64 users a row (decision 0041). As part of
-- the index only the holder of the workspace's fold lock changes it, or who has created the users.
create table texts (
  shard bigint not null,
  column_id integer not null,
  part smallint not null,                      -- users part * 64 to part * 64 + 63 of the chunk
  content text collate "C" not null,           -- 64 texts, each ended by U+0001; nothing where there is none or the row has it alone
  primary key (shard, column_id, part)
);
-- A row is as long as 64 texts, mostly less than a page: out of line it would be read in pieces, compressed it would be slow.
alter table texts alter column content set storage external;
alter table texts set (toast_tuple_target = 8160);

-- Columns that are hashed already are folded anew from the rows, which are the truth.
insert into pending_properties (shard, property_id, ordinal)
select c.shard, t.property_id, -1
from columns t join chunks c on c.workspace_id = t.workspace_id
where t.type = 'text' and t.overflowed and t.scale = -1;
