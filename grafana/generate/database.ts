import { dashboard, graph } from './parts.ts';
import { rate, share, worst } from './promql.ts';

/** PostgreSQL warns from 40 million transactions before this on, and then stops writing. */
const LAST_TRANSACTION_ID = 2 ** 31;

export const database = dashboard({
  uid: 'evenkeel-database',
  title: 'Database',
  says: 'How PostgreSQL is: what makes calculations slow before anything fails.',
  rows: [
    {
      title: 'Sessions',
      panels: [
        graph({
          title: 'Connections',
          says: 'To this database, of anybody, beside what the server allows in all.',
          unit: 'none',
          min: 0,
          queries: [
            { expr: worst('postgres_connections', 'state'), legend: '{{state}}' },
            { expr: worst('postgres_connections_limit'), legend: 'allowed' },
          ],
        }),
        graph({
          title: 'The oldest transaction',
          says: 'Vacuum removes nothing that died after it began, on the whole server: dead rows grow, index scans visit the heap, and calculations get slower by the hour.',
          unit: 's',
          min: 0,
          queries: [{ expr: worst('postgres_oldest_transaction_seconds'), legend: 'age' }],
          limit: 3600,
        }),
        graph({
          title: 'What vacuum must keep',
          says: 'Transactions since the oldest one that a session, a standby or a replication slot may still need to see. Where it grows while no transaction is old, look at pg_replication_slots.',
          unit: 'short',
          min: 0,
          queries: [{ expr: worst('postgres_oldest_xmin_age_transactions'), legend: 'transactions' }],
        }),
        graph({
          title: 'Waiting for locks, and deadlocks',
          says: 'Sessions that wait for a lock now, and deadlocks a second.',
          unit: 'none',
          min: 0,
          queries: [
            { expr: worst('postgres_lock_waits'), legend: 'waiting' },
            {
              expr: `max(rate(evenkeel_postgres_deadlocks_total{job="$job"}[$__rate_interval]))`,
              legend: 'deadlocks a second',
            },
          ],
        }),
      ],
    },
    {
      title: 'Tables',
      panels: [
        graph({
          title: 'Dead rows',
          says: 'Share of a table’s rows that nobody can see and vacuum has not removed. 20 % is usual where autovacuum keeps up.',
          unit: 'percentunit',
          min: 0,
          max: 1,
          queries: [
            {
              expr: share(
                worst('postgres_table_dead_rows', 'table'),
                `${worst('postgres_table_dead_rows', 'table')} + ${worst('postgres_table_live_rows', 'table')}`,
              ),
              legend: '{{table}}',
            },
          ],
          limit: 0.4,
        }),
        graph({
          title: 'Size of tables',
          says: 'With indexes and partitions. One that grows while its rows do not is bloated.',
          unit: 'bytes',
          min: 0,
          queries: [{ expr: worst('postgres_table_bytes', 'table'), legend: '{{table}}' }],
        }),
        graph({
          title: 'Size of the database',
          says: 'On disk, without the write-ahead log.',
          unit: 'bytes',
          min: 0,
          queries: [{ expr: worst('postgres_database_bytes'), legend: 'bytes' }],
        }),
        graph({
          title: 'Age of transaction ids',
          says: 'Share of the transaction ids that are used up since the oldest row that is not frozen. Vacuum brings it back from 10 % on; PostgreSQL stops writing shortly before 100 %.',
          unit: 'percentunit',
          min: 0,
          max: 1,
          queries: [{ expr: `${worst('postgres_transaction_id_age')} / ${LAST_TRANSACTION_ID}`, legend: 'used up' }],
          limit: 0.5,
        }),
      ],
    },
    {
      title: 'Reading',
      panels: [
        graph({
          title: 'Cache hits',
          says: 'Share of blocks that were in shared buffers. What was not may still have been in the operating system’s cache.',
          unit: 'percentunit',
          min: 0,
          max: 1,
          queries: [{ expr: share(blocks('hit'), `${blocks('hit')} + ${blocks('read')}`), legend: 'hits' }],
        }),
        graph({
          title: 'Blocks that were read',
          says: 'Asked of the operating system, a second; a block is 8 KiB.',
          unit: 'ops',
          min: 0,
          queries: [{ expr: blocks('read'), legend: 'blocks' }],
        }),
        graph({
          title: 'Temporary files',
          says: 'Written by statements whose memory (work_mem) did not suffice.',
          unit: 'Bps',
          min: 0,
          queries: [
            {
              expr: 'max(rate(evenkeel_postgres_temporary_bytes_total{job="$job"}[$__rate_interval]))',
              legend: 'bytes a second',
            },
          ],
        }),
        graph({
          title: 'Statements of calculations',
          says: 'Time that PostgreSQL spends on calculations, in seconds a second: how many of them run at once on average.',
          unit: 'none',
          min: 0,
          queries: [
            {
              expr: rate('calculation_phase_duration_seconds_sum', 'phase', 'phase=~"query|store|freshen"'),
              legend: '{{phase}}',
            },
          ],
        }),
      ],
    },
  ],
});

/** Every process tells the same counters of the server, read a moment apart: the fastest, and not their sum. */
function blocks(which: 'hit' | 'read'): string {
  return `max(rate(evenkeel_postgres_blocks_${which}_total{job="$job"}[$__rate_interval]))`;
}
