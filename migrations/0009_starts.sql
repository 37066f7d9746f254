-- Calculations with a deadline: when they are to start, and what was expected of them (decision 0024).
alter table calculations
  add column planned_start_at timestamptz,     -- null: at once
  add column expected_ms double precision,
  add column high_ms double precision,         -- hardly ever does it take longer
  add column ahead_ms double precision;        -- for what waits before it
