-- The baseline to compare with: the latest one well before $1, the onset less a margin; else the latest before $2, the onset; else the
-- first one before $3, when it was first said.
select evidence
from diagnosis_evidence
where reason = 'baseline' and captured_at <= $3::timestamptz
order by (captured_at <= $1::timestamptz) desc, (captured_at <= $2::timestamptz) desc,
  case when captured_at <= $2::timestamptz then captured_at end desc nulls last, captured_at
limit 1
