-- Samples of how long acknowledged writes waited until calculations saw them, after $2 until $3, that no step had: step $1 takes them.
with taken as (
  update monitor_freshness set step = $1::bigint
  where at > $2::timestamptz and at <= $3::timestamptz and step is null and source = 'write'
  returning id, at, waited_ms
)
select at, waited_ms from taken order by at, id
