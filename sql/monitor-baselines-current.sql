-- The present baseline of each segment of workspace $1 (null: of all) after ($2, $3), at most $4.
select distinct on (workspace, segment) workspace, segment, since, version, kinds, expected_ms as "expectedMs", calculations, spread,
       locked_until as "lockedUntil"
from monitor_baselines
where ($1::text is null or workspace = $1::text) and (workspace, segment) > ($2::text, $3::text)
order by workspace, segment, since desc
limit $4::integer
