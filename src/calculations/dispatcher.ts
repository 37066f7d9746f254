import type pg from 'pg';
import type { Log } from '../core/log.ts';
import { isConnectionLost, isSerializationFailure, isUniqueViolation } from '../database/errors.ts';
import { sql } from '../database/sql.ts';
import { beginAtOnce, type Claimed, claimWaiting } from './claims.ts';
import { retryDelayMs } from './failures.ts';
import { LateTimes } from './late-times.ts';
import { MAX_ATTEMPTS, POLL_MS, RECONNECT_BASE_MS, RECONNECT_MAX_MS } from './limits.ts';
import { type CalculationRecord, recordOf, succeededRow } from './records.ts';
import type { Quick, Started } from './quick.ts';
import type { Request } from './requests.ts';
import type { CalculationRow } from './resources.ts';
import type { Signals } from './signals.ts';
import type { CalculateTask, Failed, Outcome, PhasesMs } from './tasks.ts';
import type { WorkerPool } from './worker-pool.ts';

const FAIL = sql('calculations-fail');

const sumOf = ({ freshen, compile, query, store }: PhasesMs): number => freshen + compile + query + store;

export interface DispatcherOptions {
  /** Commits without waiting for the disk: what is lost here with a crash is done again. */
  readonly pool: pg.Pool;
  readonly workers: WorkerPool;
  readonly quick: Quick;
  readonly signals: Signals;
  readonly processId: string;
  readonly log: Log;
  readonly onCalculation: (record: CalculationRecord) => void;
}

/** Claims what waits as threads come free, begins what need not wait, runs it, and sees to how it ended. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #lateTimes: LateTimes;
  readonly #active = new Map<number, Promise<void>>();
  /** Requests that are about to begin at once: each has a thread promised. */
  #beginning = 0;
  /** How often something may have come to wait; and how often when it was last seen that nothing does. */
  #pokes = 0;
  #pokesWhenEmpty = -1;
  #retry: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #claiming: Promise<void> | undefined;
  #again = false;
  #running = false;
  #failures = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#lateTimes = new LateTimes(options.pool);
  }

  /** Ids of what this process runs. */
  get active(): number[] {
    return [...this.#active.keys()];
  }

  /** Whether what comes to wait now would be claimed by this process at once. */
  get mayClaim(): boolean {
    return this.#running && this.#free > 0;
  }

  start(): void {
    this.#running = true;
    this.#poll = setInterval(() => this.poke(), POLL_MS);
    this.poke();
  }

  /** No more claims; what runs goes on. */
  async stop(): Promise<void> {
    this.#running = false;
    clearInterval(this.#poll);
    clearTimeout(this.#retry);
    await this.#claiming;
  }

  async drained(): Promise<void> {
    await Promise.all(this.#active.values());
    await this.#lateTimes.flush();
  }

  /** Begins a calculation with the request for it. Undefined where it has to wait for its turn as all others do. */
  async begin(workspaceId: number, key: string, request: Request): Promise<Claimed | undefined> {
    if (!this.#running || this.#free <= 0) return undefined;
    const pokes = this.#pokes;
    this.#beginning += 1;
    let row: Claimed | undefined;
    const { pool, processId, quick } = this.#options;
    const started = quick.start(workspaceId, key, request);
    try {
      row = await (started?.begun ?? beginAtOnce(pool, processId, workspaceId, key, request));
    } catch (error) {
      // If it has begun all the same, the lease finds it without an owner.
      // A claim or an edit of the same moment: this one waits for its turn.
      if (!isConnectionLost(error) && !isSerializationFailure(error)) throw error;
    } finally {
      this.#beginning -= 1;
      if (row === undefined) this.#claimIfAny();
    }
    if (row === undefined) return undefined;
    this.#pokesWhenEmpty = pokes;
    this.#launch(row, true, started?.outcome);
    return row;
  }

  /** There may be something to claim. Cheap to call often. */
  poke(): void {
    this.#pokes += 1;
    this.#look();
  }

  get #free(): number {
    return this.#options.workers.free - this.#options.quick.busy - this.#beginning;
  }

  /** After the end of one: what waits for its segment or its thread may be claimed, if anything does. */
  #claimIfAny(): void {
    if (this.#pokesWhenEmpty !== this.#pokes) this.#look();
  }

  #look(): void {
    this.#again = true;
    if (!this.#running || this.#claiming !== undefined) return;
    this.#claiming = this.#claimAll().finally(() => {
      this.#claiming = undefined;
      if (this.#again && this.#running && this.#free > 0 && this.#failures === 0) this.#look();
    });
  }

  async #claimAll(): Promise<void> {
    while (this.#again && this.#running) {
      const free = this.#free;
      if (free <= 0) return;
      this.#again = false;
      try {
        const claimed = await claimWaiting(this.#options.pool, this.#options.processId, free);
        this.#failures = 0;
        // Where rows of one segment shared the limit there may be more behind them: the end of each is a poke too.
        for (const row of claimed) this.#launch(row, false);
      } catch (error) {
        this.#claimFailed(error);
        return;
      }
    }
  }

  #claimFailed(error: unknown): void {
    // Another process has just claimed another row of the same segment.
    if (isUniqueViolation(error)) return this.#later(RECONNECT_BASE_MS * Math.random());
    this.#failures += 1;
    const delayMs = Math.min(RECONNECT_MAX_MS, RECONNECT_BASE_MS * 2 ** this.#failures);
    if (this.#failures === 1)
      this.#options.log.warn({ reason: (error as Error).message }, 'cannot claim calculations; trying again');
    this.#later(delayMs);
  }

  /** One at a time: the poll fails as well while the database is away, and each failure would begin a row of retries. */
  #later(delayMs: number): void {
    clearTimeout(this.#retry);
    if (this.#running) this.#retry = setTimeout(() => this.poke(), delayMs);
  }

  /** @param unknown to other processes: nobody there can wait for one that began with its request */
  #launch(row: Claimed, unknown: boolean, quick?: Started['outcome']): void {
    const { log, signals } = this.#options;
    const run = this.#run(row, quick)
      .catch((error: Error) => {
        log.error({ reason: error.message, calculation: row.id }, 'a calculation could not be settled');
        return undefined;
      })
      .then((ended) => {
        this.#active.delete(row.id);
        const change = { kind: 'changed', id: row.id, ...(ended && { ended }) } as const;
        if (unknown) signals.here(change);
        else signals.send(change);
        this.#claimIfAny();
      });
    this.#active.set(row.id, run);
  }

  /** Gives the row as it is now, where that is known without a look at it. */
  async #run(row: Claimed, quick: Started['outcome'] | undefined): Promise<CalculationRow | undefined> {
    const { signals, onCalculation } = this.#options;
    const claimedAt = performance.now();
    const done = quick === undefined ? this.#calculate(row) : quick.then((outcome) => outcome ?? this.#calculate(row));
    signals.here({ kind: 'changed', id: row.id, begun: true });
    const outcome = await done;
    const totalMs =
      row.queue_ms +
      Math.max(performance.now() - claimedAt, outcome.outcome === 'succeeded' ? sumOf(outcome.phasesMs) : 0);
    const ended = await this.#settle(row, outcome, totalMs);
    onCalculation(recordOf(row, outcome, ended, totalMs));
    return outcome.outcome === 'succeeded' ? succeededRow(row, outcome, totalMs) : undefined;
  }

  /** In a thread of the pool, which tells this one how, where it might do it by itself next time. */
  async #calculate(row: Claimed): Promise<Outcome> {
    const { workers, processId, quick } = this.#options;
    const task: CalculateTask = {
      kind: 'calculate',
      id: row.id,
      workspaceId: row.workspace_id,
      segmentId: row.segment_id,
      segmentKey: row.segment_key,
      trigger: row.trigger,
      processId,
      attempt: row.attempts,
      teach: !quick.knows(row.workspace_id, row.segment_key),
    };
    const outcome = await workers.calculate(task);
    if (outcome.outcome === 'succeeded' && outcome.known !== undefined)
      quick.learn(row.workspace_id, row.segment_key, row.segment_id, outcome.known);
    return outcome;
  }

  async #settle(row: Claimed, outcome: Outcome, totalMs: number): Promise<CalculationRecord['outcome']> {
    switch (outcome.outcome) {
      case 'succeeded':
        this.#lateTimes.add({ id: row.id, storeMs: outcome.phasesMs.store, totalMs });
        return 'succeeded';
      case 'failed':
        return this.#fail(row, outcome);
      case 'lost':
        return 'lost';
    }
  }

  async #fail(row: Claimed, failed: Failed): Promise<CalculationRecord['outcome']> {
    const delayMs = retryDelayMs(row.attempts);
    const { kinds = null, problem, retry } = failed;
    const values = [row.id, this.#options.processId, row.attempts, retry, MAX_ATTEMPTS, delayMs, kinds, problem];
    const { rows } = await this.#insist<{ state: string }>(FAIL, values);
    const state = rows[0]?.state;
    const fields = { calculation: row.id, segment: row.segment_key, attempt: row.attempts, ...problem };
    if (state === 'queued') {
      this.#options.log.info(fields, 'a calculation failed and is tried again');
      this.#later(delayMs);
      return 'retried';
    }
    if (state === undefined) return 'lost';
    this.#options.log.warn(fields, 'a calculation failed');
    return 'failed';
  }

  /** The database may be away just now; what has to be written is written when it is back. */
  async #insist<R extends object>(text: string, values: unknown[]): Promise<{ rows: R[] }> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await this.#options.pool.query<R>(text, values);
      } catch (error) {
        // Stopping: whoever comes next finds the row without an owner.
        if (!this.#running) throw error;
        await new Promise((resolve) => {
          setTimeout(resolve, Math.min(RECONNECT_MAX_MS, RECONNECT_BASE_MS * 2 ** failures)).unref();
        });
      }
    }
  }
}
