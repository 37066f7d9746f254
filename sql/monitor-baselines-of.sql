-- The baselines that segment $2 of workspace $1 has and had, newest first, at most $3.
select workspace, segment, since, version, kinds, expected_ms as "expectedMs", calculations, spread, locked_until as "lockedUntil"
from monitor_baselines
where workspace = $1::text and segment = $2::text
order by since desc
limit $3::integer
