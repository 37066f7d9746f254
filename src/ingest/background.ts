import { randomUUID } from 'node:crypto';
import { sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { Piscina } from 'piscina';
import type { Log } from '../core/log.ts';
import { sql } from '../database/sql.ts';
import type { ImportEnd } from './imports/run.ts';
import { removeRemains } from './imports/spool.ts';
import {
  BACKGROUND_HEAP_MB,
  BACKGROUND_POLL_MS,
  BACKGROUND_RETRY_BASE_MS,
  BACKGROUND_RETRY_MAX_MS,
  BACKGROUND_THREADS,
  DRAIN_MS,
  FOLD_AFTER_MS,
  FOLD_MARKS,
  FOLD_REST,
  HEARTBEAT_MS,
  KEEP_EVERY_MS,
  LEASE_MS,
} from './limits.ts';
import type { BackgroundResults, BackgroundSettings, BackgroundTask } from './tasks.ts';

const HEARTBEAT = sql('ingest-heartbeat');
const PENDING = sql('ingest-pending-workspaces');
const CLAIM = sql('ingest-claim-import');
const GIVE_BACK = sql('ingest-give-back-imports');
const RECOVER = sql('ingest-recover-imports');

export interface FoldRecord {
  readonly workspaceId: number;
  readonly shards: number;
  readonly durationMs: number;
  /** From when this process knew of the oldest change until it was part of the bitmaps. */
  readonly waitedMs: number;
}
export interface ImportRecord extends ImportEnd {
  readonly id: number;
}

export interface BackgroundOptions {
  readonly url: string;
  /** For the little that is asked beside the threads. */
  readonly pool: pg.Pool;
  readonly log: Log;
  /** Of `Imports`: only files in it are imported by this process. */
  readonly directory: string;
  readonly threads?: number;
  readonly onFold?: (record: FoldRecord) => void;
  readonly onImport?: (record: ImportRecord) => void;
  /** What a thread runs; another one in tests. */
  readonly workerFile?: URL;
}

const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const WORKER_FILE = new URL(`./background-worker.${EXTENSION}`, import.meta.url);

interface PendingWorkspace {
  readonly id: number;
  readonly many: boolean;
  readonly every: boolean;
}

/** Failures of one piece of work, and when it may be tried again. */
interface Backoff {
  readonly failures: number;
  readonly notBefore: number;
}

/**
 * Imports, folding, rebuilding, keeping and sweeping, in threads of their own. What is to be done stands in the database, so
 * whatever is lost with a thread, a process or a connection is found and done again.
 */
export class Background {
  readonly processId = randomUUID();
  readonly #options: BackgroundOptions;
  readonly #piscina: Piscina;
  /** By workspace: since when something is pending there, as far as this process knows. */
  readonly #pendingSince = new Map<number, number>();
  /** The same until a fold has ended: `#pendingSince` begins anew with each try. */
  readonly #waitingSince = new Map<number, number>();
  /** By workspace: until when only what is urgent is folded. */
  readonly #restingUntil = new Map<number, number>();
  /** By `kind:workspace`; of each at most one runs. */
  readonly #working = new Map<string, Promise<unknown>>();
  readonly #backoffs = new Map<string, Backoff>();
  /** Workspaces whose segments or bitmaps may ask for other kept bitmaps. */
  readonly #toKeep = new Set<number>();
  #keptAllAt = Number.NEGATIVE_INFINITY;
  readonly #abort = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #looking = new Set<Promise<void>>();
  #importing = 0;
  #stopped = false;

  constructor(options: BackgroundOptions) {
    this.#options = options;
    const file = options.workerFile ?? WORKER_FILE;
    const threads = Math.max(2, options.threads ?? BACKGROUND_THREADS);
    const settings: BackgroundSettings = { url: options.url };
    this.#piscina = new Piscina({
      filename: fileURLToPath(file),
      minThreads: 1,
      maxThreads: threads,
      // An idle thread that sleeps in Atomics.wait would not see its connection close.
      atomics: 'disabled',
      workerData: settings,
      resourceLimits: { maxOldGenerationSizeMb: BACKGROUND_HEAP_MB },
      ...(file.pathname.endsWith('.ts') ? { execArgv: ['--import', 'tsx'] } : {}),
    });
    // Each lost task rejects by itself; without a listener a crash would end the process.
    this.#piscina.on('error', () => undefined);
  }

  /** Begins with what is left to do. */
  async start(): Promise<void> {
    await removeRemains(this.#options.directory);
    await this.#beat();
    this.#every(HEARTBEAT_MS, () => this.#beat());
    this.#every(BACKGROUND_POLL_MS, () => this.#look());
    this.wake();
  }

  /** A write was committed: it is folded a while later, together with others that come meanwhile. */
  noticed(workspaceId: number): void {
    if (!this.#pendingSince.has(workspaceId)) this.#pendingSince.set(workspaceId, Date.now());
    if (!this.#waitingSince.has(workspaceId)) this.#waitingSince.set(workspaceId, Date.now());
  }

  /** Its segments have other leaves, perhaps. */
  segmentsChanged(workspaceId: number): void {
    this.#toKeep.add(workspaceId);
  }

  /** Something was queued: look now instead of with the next tick. */
  wake(): void {
    this.#track(() => this.#look());
  }

  /** Folds what is pending; resolves when it is done. */
  async foldNow(workspaceId: number): Promise<void> {
    // one that runs may have begun too early
    await this.#working.get(`fold:${workspaceId}`)?.catch(() => undefined);
    await this.#run({ kind: 'fold', workspaceId });
  }

  /** Makes the bitmaps anew from the rows, while everything else goes on. */
  async rebuild(workspaceId: number): Promise<void> {
    await this.#run({ kind: 'rebuild', workspaceId });
  }

  /** By workspace: for how long changes have waited to be folded, as far as this process knows. */
  waiting(): [workspaceId: number, waitedMs: number][] {
    const now = Date.now();
    return [...this.#waitingSince].map(([id, since]) => [id, now - since]);
  }

  /** For gauges: threads and tasks that run on them. */
  utilisation(): { threads: number; busy: number } {
    return { threads: this.#piscina.options.maxThreads, busy: this.#working.size };
  }

  /** Waits a moment for folds; imports are ended and begin again with the next process. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#abort.abort();
    await Promise.all(this.#looking);
    const folding = [...this.#working].filter(([key]) => key.startsWith('fold:')).map(([, work]) => work);
    const patience = new AbortController();
    await Promise.race([
      Promise.allSettled(folding),
      sleep(DRAIN_MS, undefined, { signal: patience.signal }).catch(() => undefined),
    ]);
    patience.abort();
    await this.#piscina.destroy();
    await Promise.allSettled(this.#working.values());
    const { pool } = this.#options;
    await pool.query('delete from processes where id = $1::uuid', [this.processId]).catch(() => undefined);
    await pool.query(GIVE_BACK, [this.processId]).catch(() => undefined);
  }

  #every(ms: number, work: () => Promise<void>): void {
    let busy = false;
    this.#timers.push(
      setInterval(() => {
        if (busy) return;
        busy = true;
        this.#track(() => work().finally(() => (busy = false)));
      }, ms),
    );
  }

  /** A look that fails is done again with the next tick. */
  #track(work: () => Promise<void>): void {
    if (this.#stopped) return;
    const looking = work()
      .catch((error: unknown) =>
        this.#options.log.debug({ reason: (error as Error).message }, 'a background look failed'),
      )
      .finally(() => this.#looking.delete(looking));
    this.#looking.add(looking);
  }

  async #beat(): Promise<void> {
    const { pool, log } = this.#options;
    await pool.query(HEARTBEAT, [this.processId]);
    const { rowCount } = await pool.query(RECOVER, [LEASE_MS]);
    if ((rowCount ?? 0) > 0) log.info({ imports: rowCount }, 'imports of a process that stopped begin again');
  }

  async #look(): Promise<void> {
    const { pool } = this.#options;
    await this.#claimImport();
    await this.#foldDue();
    await this.#keepDue();
    const sweeps = await pool.query<{ id: number }>('select id from workspaces where sweep_requested_at is not null');
    for (const { id } of sweeps.rows) this.#try({ kind: 'sweep', workspaceId: id });
    const departures = await pool.query<{ id: number }>('select distinct workspace_id as id from departures');
    for (const { id } of departures.rows) this.#try({ kind: 'settle', workspaceId: id });
  }

  /** What calculations cannot correct by themselves at once; else where there is much to fold, or for long, with rests. */
  async #foldDue(): Promise<void> {
    const { rows } = await this.#options.pool.query<PendingWorkspace>(PENDING, [FOLD_MARKS]);
    const pending = new Set(rows.map(({ id }) => id));
    for (const since of [this.#pendingSince, this.#waitingSince])
      for (const id of since.keys()) if (!pending.has(id)) since.delete(id);
    const now = Date.now();
    for (const { id, many, every } of rows) {
      this.noticed(id);
      const due = many || now - (this.#pendingSince.get(id) ?? now) >= FOLD_AFTER_MS;
      if (!every && (!due || now < (this.#restingUntil.get(id) ?? 0))) continue;
      this.#pendingSince.delete(id);
      this.#try({ kind: 'fold', workspaceId: id });
    }
  }

  /** Where segments have changed, and now and then everywhere: others may have changed some, and calculations fold too. */
  async #keepDue(): Promise<void> {
    if (performance.now() - this.#keptAllAt >= KEEP_EVERY_MS) {
      const { rows } = await this.#options.pool.query<{ id: number }>(
        `select distinct workspace_id as id from segments where type = 'dynamic'
         union select distinct workspace_id from kept_leaves`,
      );
      for (const { id } of rows) this.#toKeep.add(id);
      this.#keptAllAt = performance.now();
    }
    for (const id of this.#toKeep) if (this.#try({ kind: 'keep', workspaceId: id })) this.#toKeep.delete(id);
  }

  /** One at a time, so that a thread is always left for folding. */
  async #claimImport(): Promise<void> {
    if (this.#stopped || this.#importing > 0) return;
    this.#importing += 1;
    const { pool, directory } = this.#options;
    const waiting = [...this.#backoffs]
      .filter(([key, { notBefore }]) => key.startsWith('import:') && notBefore > Date.now())
      .map(([key]) => Number(key.slice('import:'.length)));
    const folder = directory.endsWith(sep) ? directory : directory + sep;
    let claimed: { id: number; workspace_id: number } | undefined;
    try {
      // The database may have been away when one was to be given back, or was claimed: nobody else would run it.
      await pool.query(GIVE_BACK, [this.processId]);
      const { rows } = await pool.query<{ id: number; workspace_id: number }>(CLAIM, [this.processId, folder, waiting]);
      claimed = rows[0];
    } finally {
      if (claimed === undefined) this.#importing -= 1;
    }
    if (claimed !== undefined) void this.#import(claimed.id, claimed.workspace_id);
  }

  async #import(id: number, workspaceId: number): Promise<void> {
    const { log, pool, onImport } = this.#options;
    const key = `import:${id}`;
    try {
      const end = await this.#run({ kind: 'import', id, processId: this.processId });
      this.#backoffs.delete(key);
      log.info({ import: id, ...end }, `an import ${end.outcome}`);
      onImport?.({ id, ...end });
    } catch (error) {
      if (!this.#stopped) {
        this.#failed(key, error);
        await pool
          .query(
            `update imports set state = 'queued', process_id = null where id = $1::bigint and process_id = $2::uuid`,
            [id, this.processId],
          )
          .catch(() => undefined);
      }
    } finally {
      this.#importing -= 1;
      this.noticed(workspaceId);
      this.#toKeep.add(workspaceId);
      this.wake();
    }
  }

  /** Runs a task unless it runs already or has failed a moment ago: then it gives false. */
  #try(task: Exclude<BackgroundTask, { kind: 'import' }>): boolean {
    const key = `${task.kind}:${task.workspaceId}`;
    if (this.#stopped || this.#working.has(key) || (this.#backoffs.get(key)?.notBefore ?? 0) > Date.now()) return false;
    this.#run(task).then(
      () => this.#backoffs.delete(key),
      (error: unknown) => this.#failed(key, error),
    );
    return true;
  }

  async #run<T extends BackgroundTask>(task: T): Promise<BackgroundResults[T['kind']]> {
    const key = task.kind === 'import' ? `import:${task.id}` : `${task.kind}:${task.workspaceId}`;
    const started = performance.now();
    // a rebuild or a fold may wait long for the lock; an import begins again: none of them has to come to its end
    const signal = task.kind === 'fold' ? {} : { signal: this.#abort.signal };
    const working = this.#piscina.run(task, signal) as Promise<BackgroundResults[T['kind']]>;
    this.#working.set(key, working);
    try {
      const result = await working;
      if (task.kind === 'fold') {
        const { shards } = result as BackgroundResults['fold'];
        const { workspaceId } = task;
        const durationMs = performance.now() - started;
        const waitedMs = Math.max(durationMs, Date.now() - (this.#waitingSince.get(workspaceId) ?? Date.now()));
        // What came meanwhile is noticed again with the next look.
        this.#waitingSince.delete(workspaceId);
        const record = { workspaceId, shards, durationMs, waitedMs };
        this.#restingUntil.set(task.workspaceId, Date.now() + FOLD_REST * record.durationMs);
        if (shards > 0) this.#options.onFold?.(record);
      }
      return result;
    } finally {
      if (this.#working.get(key) === working) this.#working.delete(key);
    }
  }

  #failed(key: string, error: unknown): void {
    if (this.#stopped) return;
    const failures = (this.#backoffs.get(key)?.failures ?? 0) + 1;
    const pauseMs = Math.min(BACKGROUND_RETRY_MAX_MS, BACKGROUND_RETRY_BASE_MS * 2 ** (failures - 1));
    this.#backoffs.set(key, { failures, notBefore: Date.now() + pauseMs });
    this.#options.log.warn({ work: key, failures, pauseMs, err: error }, 'background work failed and is tried again');
  }
}
