-- What decides about plans, memory, vacuum and writing: as a new connection gets them, not as this one has set them.
select name,
  case when unit is null or reset_val !~ '^[0-9]+$' then coalesce(reset_val, '')
    when unit = '8kB' then pg_size_pretty(reset_val::bigint * 8192)
    when unit = 'kB' then pg_size_pretty(reset_val::bigint * 1024)
    else reset_val || ' ' || unit end as value
from pg_settings
where category like 'Query Tuning%' or category like '%Vacuum%'
  or name in (
    'shared_buffers', 'work_mem', 'hash_mem_multiplier', 'maintenance_work_mem', 'temp_buffers', 'effective_io_concurrency',
    'max_connections', 'max_parallel_workers', 'io_method', 'debug_io_direct', 'wal_sync_method', 'fsync', 'synchronous_commit',
    'full_page_writes', 'commit_delay', 'max_wal_size', 'checkpoint_timeout', 'default_statistics_target', 'jit', 'track_io_timing',
    'server_version'
  )
order by name
