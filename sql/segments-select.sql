-- One page by key, or one segment: $2 the key after which it begins, $3 the only key; either may be null.
select s.id, s.key, s.name, s.description, s.type, s.condition, s.version, s.created_at, s.updated_at,
       s.refresh, s.next_refresh_at, s.refresh_ms, s.refreshed_at, s.skipped_at, s.skips, s.failures, s.last_error,
       latest.id as snapshot_id, latest.as_of, latest.population, latest.members
from segments s
left join lateral (
  select n.id, n.as_of, n.population, n.members
  from snapshots n
  where n.segment_id = s.id
  order by n.id desc
  limit 1
) latest on true
where s.workspace_id = $1::integer
  and ($2::text is null or s.key > $2::text)
  and ($3::text is null or s.key = $3::text)
order by s.key
limit $4::integer
