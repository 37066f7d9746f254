import { totalmem } from 'node:os';

const MEGABYTE = 1024 * 1024;
const MIN_BUFFERS_MB = 128;
/** Beyond it PostgreSQL does as well with the operating system's cache, and the machine is shared with the service. */
const MAX_BUFFERS_MB = 4096;
const BUFFERS_SHARE = 0.25;
const CACHE_SHARE = 0.6;

/** Of the machine, or of the container where that has less. */
const memoryMb = (): number => {
  const allowed = process.constrainedMemory();
  return Math.floor(Math.min(totalmem(), allowed > 0 ? allowed : Number.POSITIVE_INFINITY) / MEGABYTE);
};

/** Durable as PostgreSQL comes (fsync, full_page_writes, synchronous_commit stay on); sized for one machine. */
export const serverSettings = (memory: number = memoryMb()): Record<string, string> => {
  const buffers = Math.min(MAX_BUFFERS_MB, Math.max(MIN_BUFFERS_MB, Math.floor(memory * BUFFERS_SHARE)));
  return {
    listen_addresses: '127.0.0.1',
    // A path in the clone may be longer than the 107 bytes that a socket's name can have.
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: `${buffers}MB`,
    effective_cache_size: `${Math.max(MIN_BUFFERS_MB, Math.floor(memory * CACHE_SHARE))}MB`,
    maintenance_work_mem: `${Math.min(256, Math.max(64, Math.floor(memory / 16)))}MB`,
    work_mem: '16MB',
    random_page_cost: '1.1',
    // Folding rewrites whole bitmaps: with a small WAL a checkpoint would follow the other, each with full page images.
    max_wal_size: '4GB',
    min_wal_size: '256MB',
    checkpoint_timeout: '15min',
    checkpoint_completion_target: '0.9',
    // The build has neither lz4 nor zstd. pglz, measured on updates of 3,000 bitmaps after a checkpoint: random ones 150 ms
    // without, 330 ms with it and no byte fewer; sparse ones 150 ms and 25 MB without, 2,470 ms and 15 MB with it.
    wal_compression: 'off',
    // slices and pending tables are rewritten all the time; dead rows there cost every calculation heap fetches.
    autovacuum_naptime: '10s',
    autovacuum_vacuum_scale_factor: '0.05',
    autovacuum_vacuum_insert_scale_factor: '0.05',
    autovacuum_analyze_scale_factor: '0.05',
    autovacuum_vacuum_cost_limit: '2000',
    autovacuum_max_workers: '3',
    // A connection whose process is gone should not hold its locks for long.
    tcp_keepalives_idle: '60',
    log_line_prefix: '%m [%p] %a ',
    log_timezone: 'UTC',
    timezone: 'UTC',
    lc_messages: 'C',
    log_checkpoints: 'off',
    // Statements carry users' data, which has no business in a log.
    log_min_error_statement: 'panic',
    log_parameter_max_length_on_error: '0',
  };
};
