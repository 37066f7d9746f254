-- Lists of userIds: what a static segment consists of, and who is included in or excluded from a dynamic one whatever its
-- condition says. A list holds names, not users: somebody may be on it who comes later, and its rows with `user_keys` are the
-- truth of who is on it. Its bitmaps are those of a property of its own, with a path that no user's property can have
-- (`listPath` in src/index/layout.ts), so that they are folded, rebuilt and corrected like any other.

alter table segments add column type text not null default 'dynamic' check (type in ('dynamic', 'static'));
alter table segments alter column condition drop not null;     -- a static segment has none
alter table segments add constraint segments_condition check ((type = 'static') = (condition is null)) not valid;
alter table segments validate constraint segments_condition;

alter table workspaces add column has_lists boolean not null default false; -- else who creates users need not look

create table lists (
  id integer generated always as identity primary key,
  workspace_id integer not null references workspaces (id),
  segment_id integer not null references segments (id),
  role text not null check (role in ('users', 'include', 'exclude')),
  property_id integer not null references properties (id),
  ids integer not null default 0,                              -- rows of list_ids
  unique (segment_id, role)
);

create table list_ids (                                        -- no foreign key: it would be checked for each of millions
  list_id integer not null,
  external_id text not null,
  workspace_id integer not null,
  primary key (list_id, external_id)
);
create index list_ids_by_name on list_ids (workspace_id, external_id, list_id);
