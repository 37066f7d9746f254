-- Shard keys. `shard = (workspace_id << 20) | chunk` and `chunk = ordinal / 32000`, so that a shard names one workspace's
-- one chunk of users, a workspace is a range of shards, and every table of users, events, bitmaps, pending changes and
-- snapshots can be distributed by `shard`.

create table workspaces (
  id integer generated always as identity primary key,
  name text not null unique,
  key_digest bytea unique,                     -- sha256 of the workspace key; null: reached with the operator key only
  next_ordinal integer not null default 0,     -- ordinals are dense and never given again
  sweep_requested_at timestamptz,              -- erased users may have left values in the dictionary
  created_at timestamptz not null default now()
);

-- One row a process; a calculation that a silent process holds goes back to the queue.
create table processes (
  id uuid primary key,
  heartbeat_at timestamptz not null default now()
);

-- Users and events: the truth ---------------------------------------------------------------------------------------

-- An alias is a second key of the same ordinal. No foreign key to workspaces: who creates users locks the workspace's row
-- anyway, and checking it took 40 % of an insert (74 of 180 ms for 8,000 users with 8 properties, PostgreSQL 18).
create table user_keys (
  workspace_id integer not null,
  external_id text not null,
  ordinal integer not null,
  primary key (workspace_id, external_id)
);
create index user_keys_ordinal on user_keys (workspace_id, ordinal);

create table users (
  shard bigint not null,
  ordinal integer not null,
  external_id text not null,
  properties jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (shard, ordinal)
);

create table events (
  shard bigint not null,
  id bigint generated always as identity,
  ordinal integer not null,
  event_id integer not null,
  occurred_at timestamptz(3) not null,         -- whole milliseconds
  properties jsonb not null,
  primary key (shard, id, occurred_at)
) partition by range (occurred_at);            -- monthly partitions are made on demand by the ingest room
create index events_by_time on events (shard, event_id, occurred_at) include (ordinal);
create index events_by_user on events (shard, ordinal, event_id, occurred_at);
create table events_default partition of events default;

create table message_keys (                    -- a repeat of a messageId counts once
  shard bigint not null,
  ordinal integer not null,
  key uuid not null,                           -- first 16 bytes of sha256(messageId)
  primary key (shard, ordinal, key)
);

-- The catalogue -----------------------------------------------------------------------------------------------------

create table properties (                      -- path '' is the population: who exists
  id integer generated always as identity primary key,
  workspace_id integer not null references workspaces (id),
  path text not null,
  unique (workspace_id, path)
);

create table columns (
  id integer generated always as identity primary key,
  workspace_id integer not null references workspaces (id),
  property_id integer not null references properties (id),
  type text not null check (type in ('set', 'text', 'number', 'boolean', 'date', 'array')),
  scale smallint not null default 0,           -- number: decimals (value * 10^scale), -1 float64 bits; date: ms a unit
  unit_ms integer not null default 86400000,   -- date: the code is time / unit_ms
  next_code integer not null default 0,        -- text and array: the dictionary's next code
  width smallint not null default 0,           -- every magnitude in `slices` is below 2^width
  has_negative boolean not null default false, -- a sign slice may be there
  overflowed boolean not null default false,   -- too many distinct values: not indexed, read from the rows
  unique (property_id, type)
);
create index columns_workspace on columns (workspace_id);

create table dictionary (
  column_id integer not null,                  -- of columns; a foreign key would be checked for each of millions of values
  digest uuid not null,                        -- first 16 bytes of sha256(value)
  code integer not null,
  value text not null,                         -- text: the string; array: the element as JSON
  primary key (column_id, digest)
);
create unique index dictionary_code on dictionary (column_id, code);

create table event_names (
  id integer generated always as identity primary key,
  workspace_id integer not null references workspaces (id),
  name text not null,
  unique (workspace_id, name)
);

-- The bit-sliced index ----------------------------------------------------------------------------------------------

create table chunks (                          -- who exists: the driver of every statement
  shard bigint primary key,
  workspace_id integer not null references workspaces (id),
  chunk integer not null,
  users bit(32000) not null
);
alter table chunks alter column users set storage plain;
create unique index chunks_workspace on chunks (workspace_id, chunk);

create table slices (
  shard bigint not null,
  column_id integer not null,
  slice integer not null,                      -- see src/index/layout.ts
  bits bit(32000) not null,
  primary key (shard, column_id, slice)
);
alter table slices alter column bits set storage plain;

create table event_slices (
  shard bigint not null,
  event_id integer not null,
  period smallint not null,                    -- 0: days since 1970-01-01; 1: months since 1970-01
  number integer not null,
  slice smallint not null,                     -- bit `slice` of each user's count
  bits bit(32000) not null,
  primary key (shard, event_id, period, number, slice)
);
alter table event_slices alter column bits set storage plain;

-- What the rows know and the bitmaps do not yet. Append-only for writers; the holder of the fold lock deletes exactly
-- the rows that it saw, so a change made meanwhile is never lost. ordinal -1: every user of the shard.
create table pending_properties (
  id bigint generated always as identity,
  shard bigint not null,
  property_id integer not null,
  ordinal integer not null,
  primary key (shard, id)
);
create index pending_properties_property on pending_properties (property_id, shard);

create table pending_events (
  id bigint generated always as identity,
  shard bigint not null,
  event_id integer not null,
  day integer not null,                        -- days since 1970-01-01; with ordinal -1, any day of the month to recount
  ordinal integer not null,
  primary key (shard, id)
);
create index pending_events_event on pending_events (event_id, shard);

-- Segments, calculations, snapshots ---------------------------------------------------------------------------------

create table segments (
  id integer generated always as identity primary key,
  workspace_id integer not null references workspaces (id),
  key text not null,
  name text not null,
  description text,
  condition jsonb not null,
  version integer not null default 1,          -- of the definition; grows with each change of the condition
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (workspace_id, key)
);

create table calculations (                    -- the queue and the record
  id bigint generated always as identity primary key,
  workspace_id integer not null references workspaces (id),
  segment_id integer references segments (id) on delete set null,
  segment_key text not null,
  segment_version integer,
  trigger text not null check (trigger in ('newsletter', 'manual', 'schedule', 'api')),
  urgency smallint not null generated always as (  -- the order of those that wait without a deadline
    case trigger when 'newsletter' then 0 when 'manual' then 1 when 'api' then 2 else 3 end) stored,
  state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  requested_at timestamptz not null default clock_timestamp(),
  run_after timestamptz not null default '-infinity',   -- a retry waits until then
  started_at timestamptz,
  finished_at timestamptz,
  deadline timestamptz,
  on_late text not null default 'wait' check (on_late in ('wait', 'use_latest')),
  as_of timestamptz(3),
  attempts integer not null default 0,
  process_id uuid,
  queue_ms double precision, freshen_ms double precision, compile_ms double precision,
  query_ms double precision, store_ms double precision, total_ms double precision,
  population integer, members integer, entered integer, "left" integer,
  snapshot_id bigint,
  condition_kinds text[],
  late boolean not null default false,
  superseded_by bigint,
  error jsonb
);
create unique index calculations_one_queued on calculations (segment_id) where state = 'queued' and attempts = 0;
create unique index calculations_one_running on calculations (segment_id) where state = 'running';
create index calculations_waiting on calculations (deadline, urgency, requested_at) where state = 'queued';
create index calculations_by_workspace on calculations (workspace_id, id desc);
create index calculations_by_segment on calculations (segment_id, id desc);

create table snapshots (
  id bigint generated always as identity primary key,
  workspace_id integer not null references workspaces (id),
  segment_id integer not null references segments (id) on delete cascade,
  segment_version integer not null,
  previous_id bigint,
  as_of timestamptz(3) not null,
  population integer not null,
  members integer not null,
  pinned boolean not null default false,
  read_at timestamptz,                         -- somebody pages or streams it: kept for a while longer
  created_at timestamptz not null default now()
);
create index snapshots_by_segment on snapshots (segment_id, id desc);

create table snapshot_chunks (                 -- a chunk without members has no row
  shard bigint not null,
  snapshot_id bigint not null,
  bits bit(32000) not null,
  primary key (shard, snapshot_id)
);
alter table snapshot_chunks alter column bits set storage plain;
create index snapshot_chunks_snapshot on snapshot_chunks (snapshot_id, shard);

create table imports (
  id bigint generated always as identity primary key,
  workspace_id integer not null references workspaces (id),
  kind text not null check (kind in ('users', 'events')),
  format text not null check (format in ('csv', 'ndjson')),
  options jsonb not null,
  state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed')),
  path text not null,                          -- the spooled file
  bytes bigint not null default 0,
  bytes_read bigint not null default 0,
  rows bigint not null default 0,
  accepted bigint not null default 0,
  rejected bigint not null default 0,
  errors jsonb not null default '[]',
  error jsonb,
  process_id uuid,
  requested_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz
);
create index imports_open on imports (id) where state in ('queued', 'running');
create index imports_by_workspace on imports (workspace_id, id desc);
