import type pg from 'pg';
import type { Log } from '../core/log.ts';
import { isUniqueViolation } from '../database/errors.ts';
import { sql } from '../database/sql.ts';
import { retryDelayMs } from './failures.ts';
import { MAX_ATTEMPTS, POLL_MS, RECONNECT_BASE_MS, RECONNECT_MAX_MS } from './limits.ts';
import type { Trigger } from './resources.ts';
import type { Signals } from './signals.ts';
import type { CalculateTask, Failed, Outcome, Succeeded } from './tasks.ts';
import type { WorkerPool } from './worker-pool.ts';

const CLAIM = sql('calculations-claim');
const FAIL = sql('calculations-fail');
const FINISH = sql('calculations-finish');

export interface Claimed {
  readonly id: number;
  readonly workspace_id: number;
  readonly segment_id: number;
  readonly segment_key: string;
  readonly trigger: Trigger;
  readonly attempts: number;
  readonly queue_ms: number;
  readonly deadline: Date | null;
  readonly requested_at: Date;
  readonly urgency: number;
}

/** What monitoring hears of each attempt that ended. */
export interface CalculationRecord {
  readonly id: number;
  readonly workspaceId: number;
  readonly segmentKey: string;
  readonly trigger: Trigger;
  readonly attempt: number;
  /** `retried`: it waits for another attempt; `lost`: cancelled or superseded. */
  readonly outcome: 'succeeded' | 'failed' | 'retried' | 'lost';
  readonly errorCode?: string;
  readonly kinds: readonly string[];
  readonly segmentVersion?: number;
  readonly population?: number;
  readonly members?: number;
  readonly timingsMs: {
    readonly queue: number;
    readonly freshen?: number;
    readonly compile?: number;
    readonly query?: number;
    readonly store?: number;
    readonly total: number;
  };
  readonly finishedAt: number;
  readonly late: boolean;
}

export interface DispatcherOptions {
  /** Commits without waiting for the disk: what is lost here with a crash is done again. */
  readonly pool: pg.Pool;
  readonly workers: WorkerPool;
  readonly signals: Signals;
  readonly processId: string;
  readonly log: Log;
  readonly onCalculation: (record: CalculationRecord) => void;
}

/** Claims what waits as threads come free, runs it, and sees to how it ended. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #active = new Map<number, Promise<void>>();
  #retry: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #claiming: Promise<void> | undefined;
  #again = false;
  #running = false;
  #failures = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Ids of what this process runs. */
  get active(): number[] {
    return [...this.#active.keys()];
  }

  get running(): boolean {
    return this.#running;
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
  }

  /** There may be something to claim. Cheap to call often. */
  poke(): void {
    this.#again = true;
    if (!this.#running || this.#claiming !== undefined) return;
    this.#claiming = this.#claimAll().finally(() => {
      this.#claiming = undefined;
      if (this.#again && this.#running && this.#options.workers.free > 0 && this.#failures === 0) this.poke();
    });
  }

  async #claimAll(): Promise<void> {
    while (this.#again && this.#running) {
      const { free } = this.#options.workers;
      if (free === 0) return;
      this.#again = false;
      try {
        const claimed = await this.#claim(free);
        this.#failures = 0;
        // Where rows of one segment shared the limit there may be more behind them: the end of each is a poke too.
        for (const row of claimed) this.#launch(row);
      } catch (error) {
        this.#claimFailed(error);
        return;
      }
    }
  }

  async #claim(limit: number): Promise<Claimed[]> {
    const { pool, processId } = this.#options;
    const statement = { name: 'calculations-claim', text: CLAIM, values: [processId, limit] };
    const { rows } = await pool.query<Claimed>(statement);
    return rows.sort(
      (a, b) =>
        (a.deadline?.getTime() ?? Number.POSITIVE_INFINITY) - (b.deadline?.getTime() ?? Number.POSITIVE_INFINITY) ||
        a.urgency - b.urgency ||
        a.requested_at.getTime() - b.requested_at.getTime(),
    );
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

  #launch(row: Claimed): void {
    const run = this.#run(row)
      .catch((error: Error) =>
        this.#options.log.error({ reason: error.message, calculation: row.id }, 'a calculation could not be settled'),
      )
      .finally(() => {
        this.#active.delete(row.id);
        this.#options.signals.changed(row.id);
        this.poke();
      });
    this.#active.set(row.id, run);
  }

  async #run(row: Claimed): Promise<void> {
    const { workers, signals, processId, onCalculation } = this.#options;
    const claimedAt = performance.now();
    const task: CalculateTask = {
      kind: 'calculate',
      id: row.id,
      workspaceId: row.workspace_id,
      segmentId: row.segment_id,
      segmentKey: row.segment_key,
      trigger: row.trigger,
      processId,
      attempt: row.attempts,
    };
    const done = workers.calculate(task);
    signals.here({ kind: 'changed', id: row.id, begun: true });
    const outcome = await done;
    const totalMs = row.queue_ms + performance.now() - claimedAt;
    const ended = await this.#settle(row, outcome, totalMs);
    onCalculation(recordOf(row, outcome, ended, totalMs));
  }

  async #settle(row: Claimed, outcome: Outcome, totalMs: number): Promise<CalculationRecord['outcome']> {
    switch (outcome.outcome) {
      case 'succeeded':
        await this.#finish(row, outcome, totalMs);
        return 'succeeded';
      case 'failed':
        return this.#fail(row, outcome);
      case 'lost':
        return 'lost';
    }
  }

  /** Not worth insisting on: the result stands, only two of its times would be missing. */
  async #finish(row: Claimed, outcome: Succeeded, totalMs: number): Promise<void> {
    await this.#options.pool
      .query({ name: 'calculations-finish', text: FINISH, values: [row.id, outcome.phasesMs.store, totalMs] })
      .catch(() => undefined);
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

const recordOf = (
  row: Claimed,
  outcome: Outcome,
  ended: CalculationRecord['outcome'],
  totalMs: number,
): CalculationRecord => {
  const finishedAt = Date.now();
  const shared = {
    id: row.id,
    workspaceId: row.workspace_id,
    segmentKey: row.segment_key,
    trigger: row.trigger,
    attempt: row.attempts,
    outcome: ended,
    finishedAt,
    late: row.deadline !== null && row.deadline.getTime() < finishedAt,
  };
  const timingsMs = { queue: row.queue_ms, total: totalMs };
  switch (outcome.outcome) {
    case 'succeeded': {
      const { kinds, segmentVersion, population, members, phasesMs } = outcome;
      return { ...shared, kinds, segmentVersion, population, members, timingsMs: { ...timingsMs, ...phasesMs } };
    }
    case 'failed':
      return { ...shared, kinds: outcome.kinds ?? [], errorCode: outcome.problem.code, timingsMs };
    case 'lost':
      return { ...shared, kinds: [], timingsMs };
  }
};
