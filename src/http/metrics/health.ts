import { each, plain, type Reading } from './at-scrape.ts';

/** How PostgreSQL is, from its own statistics. */
export interface HealthReadings {
  /** Of this database, by state as PostgreSQL names it. */
  readonly connections: Readonly<Record<string, number>>;
  readonly maxConnections: number;
  /** Of the whole server, as any of them holds vacuum back. */
  readonly oldestTransactionSeconds: number;
  /** Transactions since the oldest one that somebody may still need to see: sessions, prepared ones, standbys, slots. */
  readonly oldestXminAge: number;
  readonly lockWaits: number;
  readonly transactionIdAge: number;
  readonly databaseBytes: number;
  readonly blocksHit: number;
  readonly blocksRead: number;
  readonly temporaryBytes: number;
  readonly deadlocks: number;
  /** Partitions are counted with their table. */
  readonly tables: readonly {
    readonly name: string;
    readonly live: number;
    readonly dead: number;
    readonly bytes: number;
  }[];
}

const byTable =
  (figure: (table: HealthReadings['tables'][number]) => number): Reading<HealthReadings>['samples'] =>
  ({ tables }) =>
    tables.map((table) => ({ labels: { table: table.name }, value: figure(table) }));

export const HEALTH: readonly Reading<HealthReadings>[] = [
  {
    name: 'evenkeel_postgres_connections',
    help: 'Connections to the database, of anybody, by state.',
    labels: ['state'],
    samples: ({ connections }) => each('state', connections),
  },
  {
    name: 'evenkeel_postgres_connections_limit',
    help: 'Connections that the server allows.',
    samples: ({ maxConnections }) => plain(maxConnections),
  },
  {
    name: 'evenkeel_postgres_oldest_transaction_seconds',
    help: 'Age of the oldest open transaction of the server, prepared ones too. Vacuum removes nothing that is younger.',
    samples: ({ oldestTransactionSeconds }) => plain(oldestTransactionSeconds),
  },
  {
    name: 'evenkeel_postgres_oldest_xmin_age_transactions',
    help: 'Transactions since the oldest one that a session, a standby or a replication slot may still need to see.',
    samples: ({ oldestXminAge }) => plain(oldestXminAge),
  },
  {
    name: 'evenkeel_postgres_lock_waits',
    help: 'Sessions of the database that wait for a lock.',
    samples: ({ lockWaits }) => plain(lockWaits),
  },
  {
    name: 'evenkeel_postgres_transaction_id_age',
    help: 'Transactions since the oldest row that is not frozen. PostgreSQL stops writing shortly before 2^31.',
    samples: ({ transactionIdAge }) => plain(transactionIdAge),
  },
  {
    name: 'evenkeel_postgres_database_bytes',
    help: 'Size of the database.',
    samples: ({ databaseBytes }) => plain(databaseBytes),
  },
  {
    name: 'evenkeel_postgres_blocks_hit_total',
    help: 'Blocks that were found in shared buffers.',
    type: 'counter',
    samples: ({ blocksHit }) => plain(blocksHit),
  },
  {
    name: 'evenkeel_postgres_blocks_read_total',
    help: 'Blocks that were asked of the operating system.',
    type: 'counter',
    samples: ({ blocksRead }) => plain(blocksRead),
  },
  {
    name: 'evenkeel_postgres_temporary_bytes_total',
    help: 'Bytes that statements wrote to temporary files, as their memory did not suffice.',
    type: 'counter',
    samples: ({ temporaryBytes }) => plain(temporaryBytes),
  },
  {
    name: 'evenkeel_postgres_deadlocks_total',
    help: 'Deadlocks.',
    type: 'counter',
    samples: ({ deadlocks }) => plain(deadlocks),
  },
  {
    name: 'evenkeel_postgres_table_live_rows',
    help: 'Rows of a table, as the statistics estimate them.',
    labels: ['table'],
    samples: byTable(({ live }) => live),
  },
  {
    name: 'evenkeel_postgres_table_dead_rows',
    help: 'Rows of a table that nobody can see and vacuum has not removed, as the statistics estimate them.',
    labels: ['table'],
    samples: byTable(({ dead }) => dead),
  },
  {
    name: 'evenkeel_postgres_table_bytes',
    help: 'Size of a table with its indexes.',
    labels: ['table'],
    samples: byTable(({ bytes }) => bytes),
  },
];
