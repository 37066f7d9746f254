-- The present baseline of each segment, as it was written.
select distinct on (workspace, segment) workspace, segment, definition, expected_ms as "expectedMs", calculations,
       locked_until as "lockedUntil"
from monitor_baselines
order by workspace, segment, since desc
