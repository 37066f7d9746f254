-- How the server and this database are, from views that cost next to nothing; the size looks at each file once.
-- Who may not see other users' sessions (pg_read_all_stats) sees less: their state is 'hidden'.
with sessions as materialized (
  select datname, coalesce(state, 'hidden') as state, wait_event_type, xact_start, backend_xmin
  from pg_stat_activity
  where backend_type in ('client backend', 'walsender')
)
select
  (select coalesce(jsonb_object_agg(state, number), '{}')
     from (select state, count(*) as number from sessions where datname = current_database() group by state) s) as connections,
  current_setting('max_connections')::integer as "maxConnections",
  coalesce(extract(epoch from clock_timestamp() - least(
    (select min(xact_start) from sessions), (select min(prepared) from pg_prepared_xacts)))::float8, 0) as "oldestTransactionSeconds",
  coalesce(greatest(
    (select max(age(backend_xmin)) from sessions),
    (select max(age(transaction)) from pg_prepared_xacts),
    (select max(greatest(age(xmin), age(catalog_xmin))) from pg_replication_slots))::float8, 0) as "oldestXminAge",
  (select count(*) from sessions where datname = current_database() and wait_event_type = 'Lock')::integer as "lockWaits",
  (select age(datfrozenxid)::float8 from pg_database where datname = current_database()) as "transactionIdAge",
  pg_database_size(current_database())::float8 as "databaseBytes",
  blks_hit::float8 as "blocksHit",
  blks_read::float8 as "blocksRead",
  temp_bytes::float8 as "temporaryBytes",
  deadlocks::float8 as deadlocks
from pg_stat_database
where datname = current_database()
