-- Rollups as they are from now on.
insert into monitor_minutes (scope, workspace_id, name, bucket, calculations, failed, timeouts, cancelled, late, retries, timed, duration_ms,
                             queue_ms, judged, residual, normal_ms, durations, residuals, low, high)
select scope, workspace_id, name, bucket, calculations, failed, timeouts, cancelled, late, retries, timed, duration_ms, queue_ms, judged,
       residual, normal_ms, durations::integer[], residuals::integer[], low, high
from unnest($1::text[], $2::integer[], $3::text[], $4::timestamptz[], $5::integer[], $6::integer[], $7::integer[], $8::integer[],
            $9::integer[], $10::integer[], $11::integer[], $12::double precision[], $13::double precision[], $14::integer[],
            $15::double precision[], $16::double precision[], $17::text[], $18::text[], $19::real[], $20::real[])
  as r (scope, workspace_id, name, bucket, calculations, failed, timeouts, cancelled, late, retries, timed, duration_ms, queue_ms, judged,
        residual, normal_ms, durations, residuals, low, high)
on conflict (scope, workspace_id, name, bucket) do update set
  calculations = excluded.calculations, failed = excluded.failed, timeouts = excluded.timeouts, cancelled = excluded.cancelled,
  late = excluded.late, retries = excluded.retries, timed = excluded.timed, duration_ms = excluded.duration_ms,
  queue_ms = excluded.queue_ms, judged = excluded.judged, residual = excluded.residual, normal_ms = excluded.normal_ms,
  durations = excluded.durations, residuals = excluded.residuals,
  low = coalesce(excluded.low, monitor_minutes.low), high = coalesce(excluded.high, monitor_minutes.high)
