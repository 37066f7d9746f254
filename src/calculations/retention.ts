import type pg from 'pg';
import type { Log } from '../core/log.ts';
import { sql } from '../database/sql.ts';
import {
  KEEP_READ_MS,
  KEEP_SNAPSHOTS,
  KEEP_SNAPSHOTS_MS,
  OLD_CALCULATIONS_MS,
  OLD_CALCULATIONS_PAGE,
  RETENTION_BATCH,
  RETENTION_MS,
} from './limits.ts';

const EXPIRED = sql('snapshots-expired');
const OLD_CALCULATIONS = sql('calculations-expired');

export interface RetentionPolicy {
  readonly keepMs: number;
  readonly keepReadMs: number;
  /** The newest so many of each segment. */
  readonly keep: number;
}

const POLICY: RetentionPolicy = { keepMs: KEEP_SNAPSHOTS_MS, keepReadMs: KEEP_READ_MS, keep: KEEP_SNAPSHOTS };

/** Removes snapshots that nobody needs, a batch a statement. Returns how many. */
export const removeExpired = async (pool: pg.Pool, policy: RetentionPolicy = POLICY): Promise<number> => {
  for (let total = 0; ; ) {
    const { rows } = await pool.query<{ removed: number }>(EXPIRED, [
      policy.keepMs,
      policy.keepReadMs,
      policy.keep,
      RETENTION_BATCH,
    ]);
    const removed = rows[0]?.removed ?? 0;
    total += removed;
    if (removed < RETENTION_BATCH) return total;
  }
};

/** Removes calculations that ended more than `days` ago and that nothing needs, a page a statement. Returns how many. */
export const removeOldCalculations = async (
  pool: pg.Pool,
  days: number,
  page = OLD_CALCULATIONS_PAGE,
): Promise<number> => {
  let total = 0;
  for (let after: number | null = 0; after !== null; ) {
    const { rows }: pg.QueryResult<{ removed: number; last: number | null }> = await pool.query(OLD_CALCULATIONS, [
      after,
      days,
      page,
    ]);
    total += rows[0]?.removed ?? 0;
    after = rows[0]?.last ?? null;
  }
  return total;
};

export interface RetentionOptions {
  readonly pool: pg.Pool;
  readonly log: Log;
  readonly calculationDays: number;
}

/** `removeExpired` and `removeOldCalculations` now and then. Several processes may: each row goes once. */
export class Retention {
  readonly #options: RetentionOptions;
  #timer: NodeJS.Timeout | undefined;
  #removing: Promise<void> | undefined;
  #lookedForOldAt = Number.NEGATIVE_INFINITY;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#removing ??= this.#remove().finally(() => {
        this.#removing = undefined;
      });
    }, RETENTION_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#removing;
  }

  async #remove(): Promise<void> {
    const { pool, log, calculationDays } = this.#options;
    try {
      const snapshots = await removeExpired(pool);
      if (snapshots > 0) log.debug({ snapshots }, 'removed snapshots that nobody needs');
      if (performance.now() - this.#lookedForOldAt < OLD_CALCULATIONS_MS) return;
      const calculations = await removeOldCalculations(pool, calculationDays);
      this.#lookedForOldAt = performance.now();
      if (calculations > 0) log.debug({ calculations }, 'removed calculations that ended long ago');
    } catch (error) {
      log.debug(
        { reason: (error as Error).message },
        'what is not needed any more could not be removed; trying again later',
      );
    }
  }
}
