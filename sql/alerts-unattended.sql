-- Open alerts that nobody has acknowledged, or that are worse than what was; at most $1. The severities, lowest first, are $2.
select seq, alert, diagnosis, acknowledged_at, acknowledged_by, acknowledged_note, acknowledged_severity, recorded_at
from alerts
where resolved_at is null
  and (acknowledged_at is null
    or array_position($2::text[], severity) > array_position($2::text[], acknowledged_severity))
order by seq
limit $1::integer
