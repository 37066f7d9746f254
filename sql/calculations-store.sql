-- The last statement of a calculation's transaction. No row: it was cancelled meanwhile, or its process was taken for dead
-- and somebody else has it; then nothing of this transaction may stay.
with stored as (
  insert into snapshots (id, workspace_id, segment_id, segment_version, previous_id, as_of, population, members, pinned)
  overriding system value
  values ($4::bigint, $5::integer, $6::integer, $7::integer, $8::bigint, $9::timestamptz, $10::integer, $11::integer,
          $12::boolean)
)
update calculations c
set state = 'succeeded', finished_at = clock_timestamp(), late = coalesce(c.deadline < clock_timestamp(), false),
    snapshot_id = $4::bigint, segment_version = $7::integer, as_of = $9::timestamptz,
    population = $10::integer, members = $11::integer, entered = $13::integer, "left" = $14::integer,
    condition_kinds = $15::text[],
    freshen_ms = $16::double precision, compile_ms = $17::double precision, query_ms = $18::double precision,
    error = null
where c.id = $1::bigint and c.state = 'running' and c.process_id = $2::uuid and c.attempts = $3::integer
returning c.id
