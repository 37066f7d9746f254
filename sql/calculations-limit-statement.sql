-- Statements of this transaction take $1 ms at most from here on, or as long as before where that is shorter. Gives both, in ms; of
-- what was before, 0 is no limit.
select before_ms, now_ms, set_config('statement_timeout', now_ms::text, true)
from (
  select setting::integer as before_ms, least(nullif(setting::integer, 0), $1::integer) as now_ms
  from pg_settings where name = 'statement_timeout'
) limits
