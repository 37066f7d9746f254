import type pg from 'pg';
import { sql } from '../database/sql.ts';
import { LATE_TIMES_MS } from './limits.ts';

const FINISH = sql('calculations-finish');

interface Times {
  readonly id: number;
  readonly storeMs: number;
  readonly totalMs: number;
}

/**
 * The times of calculations with their commits, written some at a time. Not worth waiting for nor insisting on: until then, or
 * where they are lost, the record has the times without the commit.
 */
export class LateTimes {
  readonly #pool: pg.Pool;
  #times: Times[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  add(times: Times): void {
    this.#times.push(times);
    this.#timer ??= setTimeout(() => void this.flush(), LATE_TIMES_MS);
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const times = this.#times;
    this.#times = [];
    if (times.length === 0) return;
    const values = [
      times.map(({ id }) => id),
      times.map(({ storeMs }) => storeMs),
      times.map(({ totalMs }) => totalMs),
    ];
    await this.#pool.query({ name: 'calculations-finish', text: FINISH, values }).catch(() => undefined);
  }
}
