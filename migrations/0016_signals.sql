-- What a step took in beside facts, so that repeating it gives the same detector (decision 0034).
alter table monitor_steps
  add column signals_since timestamptz(3),     -- samples of freshness from here, this one outside, to `at` were looked at
  add column waiting_ms real;                  -- how long the oldest calculation in the queue had waited; null: the step was behind
