-- Baselines as the detector has them, for people to read: it keeps its own in its state (decision 0034).

create table monitor_baselines (               -- a row for each that a segment has or had
  workspace text not null,
  segment text not null,
  since timestamptz(3) not null,               -- in the stream's time
  definition bigint not null,                  -- of the segment, when it was made
  version integer not null,                    -- of the baselines altogether
  kinds text[] not null,
  expected_ms double precision not null,       -- of a usual population, at a usual hour
  calculations integer not null,               -- that it is made of; 0: borrowed from what is typical for its kinds
  spread real not null,
  locked_until timestamptz(3),
  primary key (workspace, segment, since)
);

create table monitor_baseline_changes (        -- what happened to the baselines altogether, and why
  version integer primary key,
  at timestamptz(3) not null,
  reason text not null,
  segments integer not null,                   -- that changed
  change double precision not null,            -- × on average of those
  by text,
  note text
);

-- What the samples of freshness tell of: 'write', acknowledged until calculations see it; 'fold', until it is part of the bitmaps.
alter table monitor_freshness add column source text not null default 'write';
