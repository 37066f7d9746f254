-- Segments that are recalculated by themselves, and what tells that a recalculation would change nothing (decision 0023).

-- Grows whenever a fold takes in changes. `changed` is its value when the property's or event's changes were last folded.
create sequence index_changes;
alter table properties add column changed bigint not null default 0;
alter table event_names add column changed bigint not null default 0;

alter table segments
  add column refresh jsonb,                    -- as it was sent: "auto" or {"every":{"hours":1}}; null: only when asked for
  add column next_refresh_at timestamptz,      -- when to look next; null where there is no refresh
  add column refresh_ms bigint,                -- the interval as of the last look
  add column refreshed_at timestamptz,         -- when a calculation was last asked for
  add column skipped_at timestamptz,           -- when there was last nothing to do
  add column skips integer not null default 0,
  add column failures integer not null default 0,  -- in a row
  add column last_error jsonb,
  add column asked_id bigint,                  -- the calculation that was last asked for
  add column asked_open boolean not null default false,  -- how it ended has not been seen yet
  add column asked_definitions text;           -- the versions of all that the segment is made of, when that was asked for
create index segments_due on segments (next_refresh_at) where next_refresh_at is not null;
create index segments_asked on segments (asked_id) where asked_open;

-- index_changes when it was asked for. Two steps: a volatile default would rewrite the table.
alter table calculations add column seen_changes bigint not null default 0;
alter table calculations alter column seen_changes set default coalesce(pg_sequence_last_value('index_changes'), 0);
