-- Step $1 is done: the stream's time is $2, facts $3 to $4 of the times $5 to $6 were taken in, $7 leads and shows $8, and
-- samples after $9 and a wait of $10 ms were judged.
with kept as (
  insert into monitor_steps (step, at, first_fact_id, last_fact_id, oldest, newest, signals_since, waiting_ms)
  values ($1::bigint, $2::timestamptz, $3::bigint, $4::bigint, $5::timestamptz, $6::timestamptz,
          $9::timestamptz, $10::real)
)
update monitor_state
set step = $1::bigint, at = $2::timestamptz, last_fact_id = coalesce($4::bigint, last_fact_id), leader = $7::uuid,
    heartbeat_at = clock_timestamp(), view = $8::jsonb
