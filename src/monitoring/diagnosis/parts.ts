import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import type {
  Blocker,
  ConnectionsEvidence,
  Holder,
  IndexEvidence,
  PendingEvidence,
  Phases,
  QueueEvidence,
  SegmentName,
  TableEvidence,
  WorkspaceEvidence,
} from './evidence.ts';
import { MAX_HOLDERS, MAX_PENDING_COUNTED, MAX_WORKSPACES, PHASE_CALCULATIONS, RECENT_CALCULATIONS } from './limits.ts';

/** The parts of a capture that are one query each. None of them reads a statement's text: that carries users' data. */

const TABLES = sql('diagnosis-tables');
const INDEXES = sql('diagnosis-indexes');
const SETTINGS = sql('diagnosis-settings');
const HOLDERS = sql('diagnosis-holders');
const BLOCKERS = sql('diagnosis-blockers');
const CONNECTIONS = sql('diagnosis-connections');
const QUEUE = sql('diagnosis-queue');
const PENDING = sql('diagnosis-pending');
const WORKSPACES = sql('diagnosis-workspaces');
const SEGMENTS = sql('diagnosis-segments');
const PHASES = sql('diagnosis-phases');

const only = <R>(rows: readonly R[]): R => {
  const [row] = rows;
  if (row === undefined) throw new Error('an aggregate without a row');
  return row;
};

interface TableRow {
  readonly name: string;
  readonly live_rows: number;
  readonly dead_rows: number;
  readonly changed_since_analyze: number;
  readonly bytes: number;
  readonly index_bytes: number;
  readonly pages: number;
  readonly all_visible_pages: number;
  readonly last_vacuum: number | null;
  readonly last_analyze: number | null;
  readonly options: readonly string[];
}

export const readTables = async (db: Queryable): Promise<Record<string, TableEvidence>> => {
  const { rows } = await db.query<TableRow>(TABLES);
  return Object.fromEntries(
    rows.map((row) => [
      row.name,
      {
        liveRows: row.live_rows,
        deadRows: row.dead_rows,
        changedSinceAnalyze: row.changed_since_analyze,
        bytes: row.bytes,
        indexBytes: row.index_bytes,
        pages: row.pages,
        allVisiblePages: row.all_visible_pages,
        lastVacuum: row.last_vacuum,
        lastAnalyze: row.last_analyze,
        options: row.options,
      },
    ]),
  );
};

export const readIndexes = async (db: Queryable): Promise<Record<string, IndexEvidence>> => {
  const { rows } = await db.query<{
    name: string;
    table_name: string;
    definition: string;
    valid: boolean;
    bytes: number;
  }>(INDEXES);
  return Object.fromEntries(
    rows.map(({ name, table_name, definition, valid, bytes }) => [
      name,
      { table: table_name, definition, valid, bytes },
    ]),
  );
};

export const readSettings = async (db: Queryable): Promise<Record<string, string>> => {
  const { rows } = await db.query<{ name: string; value: string }>(SETTINGS);
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
};

interface Session {
  readonly pid: number;
  readonly application: string | null;
  readonly user_name: string | null;
  readonly state: string | null;
  readonly since: number | null;
}

export const readHolders = async (db: Queryable): Promise<Holder[]> => {
  const { rows } = await db.query<Session & Pick<Holder, 'kind' | 'name' | 'age'>>(HOLDERS, [MAX_HOLDERS]);
  return rows.map(({ user_name, ...row }) => ({ ...row, user: user_name }));
};

export const readBlockers = async (db: Queryable): Promise<Blocker[]> => {
  const { rows } = await db.query<Session & Pick<Blocker, 'relation' | 'mode' | 'waiting'>>(BLOCKERS);
  return rows.map(({ user_name, ...row }) => ({ ...row, user: user_name }));
};

export const readConnections = async (db: Queryable): Promise<ConnectionsEvidence> => {
  const { rows } = await db.query<Omit<ConnectionsEvidence, 'idleInTransaction'> & { idle_in_transaction: number }>(
    CONNECTIONS,
  );
  const { idle_in_transaction, ...row } = only(rows);
  return { ...row, idleInTransaction: idle_in_transaction };
};

export const readQueue = async (db: Queryable): Promise<QueueEvidence> => {
  const { rows } = await db.query<Omit<QueueEvidence, 'oldestWaitMs'> & { oldest_wait_ms: number }>(QUEUE);
  const { oldest_wait_ms, ...row } = only(rows);
  return { ...row, oldestWaitMs: oldest_wait_ms };
};

export const readPending = async (db: Queryable): Promise<PendingEvidence> => {
  const { rows } = await db.query<Omit<PendingEvidence, 'largestCount'> & { largest_count: number }>(PENDING, [
    MAX_PENDING_COUNTED,
  ]);
  const { largest_count, ...row } = only(rows);
  return { ...row, largestCount: largest_count };
};

export const readWorkspaces = async (db: Queryable): Promise<Record<string, WorkspaceEvidence>> => {
  const { rows } = await db.query<{ name: string; users: number; calculation_ms: number; calculations: number }>(
    WORKSPACES,
    [MAX_WORKSPACES, RECENT_CALCULATIONS],
  );
  return Object.fromEntries(
    rows.map(({ name, users, calculation_ms, calculations }) => [
      name,
      { users, calculationMs: calculation_ms, calculations },
    ]),
  );
};

export interface KnownSegment extends SegmentName {
  readonly kinds: readonly string[];
}

/** Those that were calculated lately, the most often calculated first. */
export const readSegments = async (db: Queryable): Promise<KnownSegment[]> =>
  (await db.query<KnownSegment>(SEGMENTS, [RECENT_CALCULATIONS])).rows;

export const readPhases = async (db: Queryable, { workspace, segment }: SegmentName): Promise<Phases | null> => {
  const { rows } = await db.query<{ [P in keyof Phases]: number | null }>(PHASES, [
    workspace,
    segment,
    PHASE_CALCULATIONS,
  ]);
  const { calculations, queue, freshen, query, store } = only(rows);
  if (!calculations) return null;
  return { calculations, queue: queue ?? 0, freshen: freshen ?? 0, query: query ?? 0, store: store ?? 0 };
};
