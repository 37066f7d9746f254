import type pg from 'pg';
import type { Log } from '../core/log.ts';
import { sql } from '../database/sql.ts';
import { KEEP_READ_MS, KEEP_SNAPSHOTS, KEEP_SNAPSHOTS_MS, RETENTION_BATCH, RETENTION_MS } from './limits.ts';

const EXPIRED = sql('snapshots-expired');

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

/** `removeExpired` now and then. Several processes may: each row goes once. */
export class Retention {
  readonly #options: { pool: pg.Pool; log: Log };
  #timer: NodeJS.Timeout | undefined;
  #removing: Promise<void> | undefined;

  constructor(options: { pool: pg.Pool; log: Log }) {
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
    const { pool, log } = this.#options;
    try {
      const snapshots = await removeExpired(pool);
      if (snapshots > 0) log.debug({ snapshots }, 'removed snapshots that nobody needs');
    } catch (error) {
      log.debug({ reason: (error as Error).message }, 'snapshots could not be removed; trying again later');
    }
  }
}
