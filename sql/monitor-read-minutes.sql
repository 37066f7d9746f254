-- The rollups of these slices and minutes that there are. $5 and $6, the first and the last of $4, name the partitions.
select m.scope, m.workspace_id, m.name, m.bucket, m.calculations, m.failed, m.timeouts, m.cancelled, m.late, m.retries, m.timed,
       m.duration_ms, m.queue_ms, m.judged, m.residual, m.normal_ms, m.durations::text, m.residuals::text
from unnest($1::text[], $2::integer[], $3::text[], $4::timestamptz[]) as k (scope, workspace_id, name, bucket)
join monitor_minutes m using (scope, workspace_id, name, bucket)
where m.bucket between $5::timestamptz and $6::timestamptz
