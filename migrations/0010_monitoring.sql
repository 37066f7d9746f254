-- What is watched of calculations (decisions 0033 and 0034): facts, what is rolled up of them, and where the one process that judges
-- them has got to. Partitions are made ahead and dropped by that process (src/monitoring/live/partitions.ts).

-- A condition's identity. Grows with each change of any condition and not with a change of lists, so that a list that is uploaded every
-- night leaves its segment's normal time alone; a segment that is deleted and made again has another one.
create sequence segment_definitions;
alter table segments
  add column definition bigint not null default nextval('segment_definitions'),
  add column definition_since integer not null default 1;   -- the version that it came with

-- Whether an ended calculation is among the facts. The index holds those that are not: a handful, in the order in which they ended.
alter table calculations add column recorded boolean not null default false;
create index calculations_unrecorded on calculations (finished_at, id) where finished_at is not null and not recorded;

create table monitor_facts (                   -- a row for each calculation that ended
  id bigint generated always as identity,      -- the order in which they are judged
  finished_at timestamptz(3) not null,
  calculation_id bigint not null,
  workspace_id integer not null,
  segment_key text not null,
  segment_version integer,                     -- null: cancelled before it ran
  definition bigint,                           -- the newest of the segment and all that it refers to; null: not known any more
  kinds text[] not null,
  trigger text not null,
  outcome text not null check (outcome in ('succeeded', 'failed', 'timeout', 'cancelled')),
  error_code text,
  attempts integer not null,
  late boolean not null,
  population integer,
  members integer,
  queue_ms real, freshen_ms real, compile_ms real, query_ms real, store_ms real,
  duration_ms real not null,                   -- from claim to commit; of a timeout at least its limit
  residual real,                               -- ln of × normal; null: there was no baseline, or it was not judged
  primary key (finished_at, id)
) partition by range (finished_at);            -- by day

-- Acknowledged changes that became part of the bitmaps: how long the oldest of a fold had waited; `open`: it waits still.
create table monitor_freshness (
  id bigint generated always as identity,
  at timestamptz(3) not null default clock_timestamp(),
  workspace_id integer not null,
  waited_ms real not null,
  open boolean not null,
  step bigint,                                 -- that judged it
  primary key (at, id)
) partition by range (at);                     -- by day
create index monitor_freshness_new on monitor_freshness (id) where step is null;

-- Sums over the facts of a minute or an hour, by slice. Each can be added up further: the histograms too.
create table monitor_minutes (
  scope text not null check (scope in ('all', 'kind', 'workspace', 'workspace_kind', 'segment')),
  workspace_id integer not null,               -- 0: of all workspaces
  name text not null,                          -- the kind or the segment's key; '' where the scope has none
  bucket timestamptz(0) not null,              -- its beginning
  calculations integer not null,
  failed integer not null, timeouts integer not null, cancelled integer not null,
  late integer not null, retries integer not null,
  timed integer not null,                      -- succeeded, and timeouts with at least their limit
  duration_ms double precision not null,       -- of those that are timed
  queue_ms double precision not null,
  judged integer not null,                     -- those of which a residual is known
  residual double precision not null,          -- their sum
  normal_ms double precision not null,         -- what those judged would have taken normally
  durations integer[] not null,                -- see src/monitoring/live/histogram.ts: bucket, count, bucket, count …
  residuals integer[] not null,
  low real, high real,                         -- the slice's band of × normal as last seen; null: not known
  primary key (scope, workspace_id, name, bucket)
) partition by range (bucket);                 -- by day
create table monitor_hours (like monitor_minutes including constraints including indexes)
  partition by range (bucket);                 -- by month

create table monitor_accepts (                 -- "accept as normal", as it was asked for
  id bigint generated always as identity primary key,
  at timestamptz(3) not null default clock_timestamp(),
  by text not null,
  reason text not null,
  scope jsonb not null,                        -- see Scope in src/monitoring/types.ts
  step bigint                                  -- that took it in
);
create index monitor_accepts_new on monitor_accepts (id) where step is null;

create table monitor_state (                   -- one row
  id boolean primary key default true check (id),
  step bigint not null default 0,              -- the last that was committed
  at timestamptz(3),                           -- the stream's time after it
  last_fact_id bigint not null default 0,
  leader uuid,
  heartbeat_at timestamptz(3),
  view jsonb                                   -- what every process shows of it
);
insert into monitor_state default values;

create table monitor_saves (                   -- the detector as it was after a step; one row
  id boolean primary key default true check (id),
  step bigint not null,
  state bytea not null
);

-- What each step since the save took in, so that repeating them gives the same detector.
create table monitor_steps (
  step bigint primary key,
  at timestamptz(3) not null,                  -- the time it advanced to
  first_fact_id bigint, last_fact_id bigint,   -- both inside; null: none
  oldest timestamptz(3), newest timestamptz(3) -- of these facts, for the partitions that hold them
);
