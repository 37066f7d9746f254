/** What is looked at for a diagnosis. Plain data: it is stored as JSON and compared with what was stored before. Times are epoch milliseconds. */

export interface SegmentName {
  readonly workspace: string;
  readonly segment: string;
}

/**
 * A statement that is explained in the place of a calculation: `membership` is the part that finds who belongs, `pending` looks for
 * changes that the bitmaps lack, `rows` is what a pass over all users runs inside.
 */
export interface EvidenceStatement {
  readonly name: 'membership' | 'pending' | 'rows';
  readonly text: string;
  readonly values: readonly unknown[];
  /** Over those of a calculating connection, for this statement alone. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface SegmentStatements {
  readonly kinds: readonly string[];
  readonly statements: readonly EvidenceStatement[];
}

/** One place where a plan reads a table, all its loops and partitions together. */
export interface Scan {
  readonly relation: string;
  readonly index: string | null;
  readonly node: string;
  /** Times that the index was descended, or the table was read. */
  readonly searches: number;
  readonly rows: number;
  readonly removedRows: number;
  readonly hitBlocks: number;
  readonly readBlocks: number;
  /** Of index-only scans: rows that were fetched all the same, as the visibility map did not vouch for their pages. */
  readonly heapFetches: number;
}

export interface PlanFacts {
  readonly statement: EvidenceStatement['name'];
  /** Of node types, relations and indexes: another one is another plan. */
  readonly shape: string;
  readonly executionMs: number | null;
  readonly planningMs: number;
  readonly hitBlocks: number;
  readonly readBlocks: number;
  readonly tempReadBlocks: number;
  readonly tempWrittenBlocks: number;
  /** Sorts and hashes that went to disk. */
  readonly spills: number;
  /** The largest quotient of actual and estimated rows of any node, either way. */
  readonly misestimate: number;
  readonly scans: readonly Scan[];
}

export type Role = 'affected' | 'unaffected' | 'sample';

export interface SegmentEvidence extends SegmentName {
  readonly role: Role;
  readonly kinds: readonly string[];
  readonly plans: readonly PlanFacts[];
  /** Medians of its latest calculations; null where there are none. */
  readonly phasesMs: Phases | null;
}

export interface Phases {
  readonly calculations: number;
  readonly queue: number;
  readonly freshen: number;
  readonly query: number;
  readonly store: number;
}

export interface TableEvidence {
  readonly liveRows: number;
  readonly deadRows: number;
  readonly changedSinceAnalyze: number;
  readonly bytes: number;
  readonly indexBytes: number;
  readonly pages: number;
  /** A hint only: it is counted by the last vacuum, and may be far off. */
  readonly allVisiblePages: number;
  readonly lastVacuum: number | null;
  readonly lastAnalyze: number | null;
  /** Storage parameters, such as `autovacuum_enabled=false`. */
  readonly options: readonly string[];
}

export interface IndexEvidence {
  readonly table: string;
  readonly definition: string;
  readonly valid: boolean;
  readonly bytes: number;
}

/** What keeps vacuum from taking away rows that are dead. */
export interface Holder {
  readonly kind: 'transaction' | 'replication slot' | 'prepared transaction' | 'standby';
  /** Of a slot or a prepared transaction its name. */
  readonly name: string | null;
  readonly pid: number | null;
  readonly application: string | null;
  readonly user: string | null;
  readonly state: string | null;
  readonly since: number | null;
  /** Transactions that began since. */
  readonly age: number;
}

export interface Blocker {
  readonly pid: number;
  readonly application: string | null;
  readonly user: string | null;
  readonly state: string | null;
  readonly since: number | null;
  /** Of what they wait for: a table, or the kind of lock. */
  readonly relation: string | null;
  readonly mode: string | null;
  /** Who waits for it now, or did in how many samples. */
  readonly waiting: number;
}

/** Counted by PostgreSQL since its statistics were reset: differences alone say something. */
export interface Counters {
  readonly at: number;
  readonly hitBlocks: number;
  readonly readBlocks: number;
  readonly readMs: number;
  readonly tempBytes: number;
  readonly commits: number;
}

/** Looks at who works and waits, every few seconds, over the minutes before the capture. */
export interface ActivityEvidence {
  readonly samples: number;
  readonly fromAt: number | null;
  /** Active connections on average, and for each kind of wait (`Lock`, `IO` …; `CPU`: none) the part of them that were in it. */
  readonly active: number;
  readonly waits: Readonly<Record<string, number>>;
  readonly blockers: readonly Blocker[];
  /** Worker threads that were busy, and tasks that waited for one, on average. */
  readonly busyShare: number;
  readonly waitingTasks: number;
  /** Between the first and the last sample. */
  readonly hitShare: number | null;
  readonly readBlocksPerSecond: number | null;
  readonly tempBytesPerSecond: number | null;
}

export interface ConnectionsEvidence {
  readonly total: number;
  readonly max: number;
  readonly active: number;
  readonly idleInTransaction: number;
}

export interface ServiceLoad {
  readonly threads: number;
  readonly busy: number;
  readonly waiting: number;
  readonly pool: { readonly total: number; readonly idle: number; readonly waiting: number; readonly max: number };
}

export interface MachineLoad {
  readonly cores: number;
  readonly load1: number;
  readonly availableBytes: number | null;
  /** Linux's pressure stall information: the part of the last minute in which some task waited. */
  readonly pressure: { readonly cpu: number; readonly io: number; readonly memory: number } | null;
}

export interface QueueEvidence {
  readonly queued: number;
  readonly running: number;
  readonly oldestWaitMs: number;
}

export interface PendingEvidence {
  readonly properties: number;
  readonly events: number;
  /** Of whom the most is pending. */
  readonly largest: string | null;
  readonly largestCount: number;
}

export interface WorkspaceEvidence {
  readonly users: number;
  /** Time of all calculations of the last hour, and how many these were. */
  readonly calculationMs: number;
  readonly calculations: number;
}

/** What one capture found. A part that could not be read is absent, and `errors` says why: that too is evidence. */
export interface Evidence {
  readonly at: number;
  readonly reason: CaptureReason;
  readonly tookMs: number;
  readonly errors: readonly { readonly part: string; readonly message: string }[];
  readonly segments: readonly SegmentEvidence[];
  readonly tables?: Readonly<Record<string, TableEvidence>>;
  readonly indexes?: Readonly<Record<string, IndexEvidence>>;
  readonly settings?: Readonly<Record<string, string>>;
  readonly holders?: readonly Holder[];
  readonly blockers?: readonly Blocker[];
  readonly activity?: ActivityEvidence;
  readonly connections?: ConnectionsEvidence;
  readonly queue?: QueueEvidence;
  readonly pending?: PendingEvidence;
  readonly workspaces?: Readonly<Record<string, WorkspaceEvidence>>;
  readonly service?: ServiceLoad;
  readonly machine?: MachineLoad;
}

export type CaptureReason = 'baseline' | 'opened' | 'escalated';
