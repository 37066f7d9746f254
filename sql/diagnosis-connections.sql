select count(*) filter (where backend_type = 'client backend')::integer as total,
  current_setting('max_connections')::integer as max,
  count(*) filter (where state = 'active')::integer as active,
  count(*) filter (where state like 'idle in transaction%')::integer as idle_in_transaction
from pg_stat_activity
