-- Alerts, their history, and who is told of them (decision 0035).

create table alerts (
  id text primary key,                          -- as the detector named it
  seq bigint generated always as identity unique, -- in the order in which they were recorded: what lists are paged by
  rule text not null,
  severity text not null,                       -- the highest that was reached
  kind text,                                    -- the scope; null: not limited to one
  workspace text,
  segment text,
  opened_at timestamptz not null,               -- in the time of the calculations, which a replay may set at will
  resolved_at timestamptz,                      -- null: open
  alert jsonb not null,                         -- all of it, as of its last event
  diagnosis jsonb,
  diagnosed_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text,
  acknowledged_note text,
  acknowledged_severity text,                   -- what it was then: only what is worse is told again
  recorded_at timestamptz not null default clock_timestamp(),
  check (segment is null or workspace is not null)
);
create index alerts_open on alerts (seq) where resolved_at is null;
create index alerts_by_workspace on alerts (workspace, seq) where workspace is not null;

-- Ids grow in the order of commits, as who writes holds a lock until then: a reader who has seen one has seen all before it.
create table alert_events (
  id bigint generated always as identity primary key,
  alert_id text not null references alerts (id) on delete cascade,
  type text not null check (type in ('opened', 'escalated', 'changed', 'resolved', 'acknowledged', 'diagnosed')),
  at timestamptz not null,
  severity text not null,
  alert jsonb not null,                         -- as it was then
  by text,                                      -- acknowledged: who, and what they said
  note text,
  recorded_at timestamptz not null default clock_timestamp(),
  announced boolean not null,                   -- false: the notifications that it needs have yet to be written
  unique (alert_id, type, at)
);
create index alert_events_unannounced on alert_events (id) where not announced;

create table alert_notifications (
  id bigint generated always as identity primary key,
  event_id bigint not null references alert_events (id) on delete cascade,
  alert_id text not null references alerts (id) on delete cascade,
  channel text not null,
  state text not null default 'waiting'
    check (state in ('waiting', 'delivered', 'superseded', 'silenced', 'acknowledged', 'given_up')),
  attempts integer not null default 0,
  next_try_at timestamptz not null default clock_timestamp(),
  leased_until timestamptz,                     -- a process sends it just now; when that is past, the process has died
  created_at timestamptz not null default clock_timestamp(),
  first_tried_at timestamptz,
  delivered_at timestamptz,
  error text,                                   -- of the last attempt that failed
  unique (event_id, channel)
);
create index alert_notifications_waiting on alert_notifications (channel, next_try_at) where state = 'waiting';
create index alert_notifications_by_alert on alert_notifications (alert_id);

-- Channels to which open alerts are said again and again, and when next. Nothing else is sent to one meanwhile.
create table alert_channels (
  channel text primary key,
  resend_at timestamptz not null default clock_timestamp(),
  leased_until timestamptz
);

create table alert_silences (
  id bigint generated always as identity primary key,
  alert_id text,                                -- each that is not null must be the alert's
  rule text,
  kind text,
  workspace text,
  segment text,
  up_to text,                                   -- the highest severity that it silences; null: any
  reason text not null,
  created_by text not null,
  created_at timestamptz not null default clock_timestamp(),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  check (starts_at <= ends_at),
  check (segment is null or workspace is not null)
);
create index alert_silences_by_end on alert_silences (ends_at);
