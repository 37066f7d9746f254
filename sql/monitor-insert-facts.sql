-- Facts, in the order in which they are judged. Kinds come joined by '|'.
with written as (
  insert into monitor_facts (finished_at, calculation_id, workspace_id, segment_key, segment_version, definition, kinds, trigger,
                             outcome, error_code, attempts, late, population, members, queue_ms, freshen_ms, compile_ms, query_ms,
                             store_ms, duration_ms, residual)
  select f.finished_at, f.calculation_id, f.workspace_id, f.segment_key, f.segment_version, f.definition,
         coalesce(string_to_array(nullif(f.kinds, ''), '|'), '{}'), f.trigger, f.outcome, f.error_code, f.attempts, f.late,
         f.population, f.members, f.queue_ms, f.freshen_ms, f.compile_ms, f.query_ms, f.store_ms, f.duration_ms, f.residual
  from unnest($1::timestamptz[], $2::bigint[], $3::integer[], $4::text[], $5::integer[], $6::bigint[], $7::text[], $8::text[],
              $9::text[], $10::text[], $11::integer[], $12::boolean[], $13::integer[], $14::integer[], $15::real[], $16::real[],
              $17::real[], $18::real[], $19::real[], $20::real[], $21::real[]) with ordinality
    as f (finished_at, calculation_id, workspace_id, segment_key, segment_version, definition, kinds, trigger, outcome, error_code,
          attempts, late, population, members, queue_ms, freshen_ms, compile_ms, query_ms, store_ms, duration_ms, residual, place)
  order by f.place
  returning id
)
select min(id) as first, max(id) as last from written
