-- The rollups of slice ($1, $2, $3) from $4 inside to $5 outside, by minute.
select bucket, calculations, failed, timeouts, cancelled, late, retries, timed, duration_ms, queue_ms, judged, residual, normal_ms,
       durations::text, residuals::text, low, high
from monitor_minutes
where scope = $1::text and workspace_id = $2::integer and name = $3::text and bucket >= $4::timestamptz and bucket < $5::timestamptz
order by bucket
