-- Baselines as of $10, by columns: those that are others ($9) become rows of version $11, of the rest only the lock has changed.
with given as (
  select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::double precision[], $6::integer[], $7::real[],
                       $8::timestamptz[], $9::boolean[])
    as b (workspace, segment, definition, kinds, expected_ms, calculations, spread, locked_until, other)
), locked as (
  update monitor_baselines b
  set locked_until = g.locked_until
  from given g
  where not g.other and b.workspace = g.workspace and b.segment = g.segment
    and b.since = (select max(n.since) from monitor_baselines n where n.workspace = g.workspace and n.segment = g.segment)
)
insert into monitor_baselines (workspace, segment, since, definition, version, kinds, expected_ms, calculations, spread, locked_until)
select workspace, segment, $10::timestamptz, definition, $11::integer, coalesce(string_to_array(nullif(kinds, ''), '|'), '{}'),
       expected_ms, calculations, spread, locked_until
from given
where other
on conflict (workspace, segment, since) do update set
  definition = excluded.definition, version = excluded.version, kinds = excluded.kinds, expected_ms = excluded.expected_ms,
  calculations = excluded.calculations, spread = excluded.spread, locked_until = excluded.locked_until
