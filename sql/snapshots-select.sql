-- $2: one, or null; $3 the key of a segment, or null; $4 only those before it. Newest first.
select n.id, s.key as segment_key, n.segment_version, n.previous_id, n.as_of, n.created_at, n.population, n.members,
       n.pinned
from snapshots n
join segments s on s.id = n.segment_id
where n.workspace_id = $1::integer
  and ($2::bigint is null or n.id = $2::bigint)
  and ($3::text is null or n.segment_id = (select id from segments where workspace_id = $1::integer and key = $3::text))
  and ($4::bigint is null or n.id < $4::bigint)
order by n.id desc
limit $5::integer
