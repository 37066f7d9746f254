import type pg from 'pg';
import type { Log } from '../core/log.ts';
import { sql } from '../database/sql.ts';
import { CLAIM_GRACE_MS, HEARTBEAT_MS, LEASE_MS, MAX_ATTEMPTS } from './limits.ts';

const HEARTBEAT = sql('calculations-heartbeat');
const RECOVER = sql('calculations-recover');
const PIN = sql('calculations-pin');

interface Options {
  readonly pool: pg.Pool;
  readonly processId: string;
  readonly log: Log;
  /** Ids of what this process runs. */
  readonly active: () => readonly number[];
  /** Calculations that went back to the queue, or failed, as nobody runs them. */
  readonly onRecovered: (ids: readonly number[]) => void;
}

/** Says that this process lives, and takes back what dead ones held. */
export class Lease {
  readonly #options: Options;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#beat();
    this.#timer = setInterval(() => {
      this.#beating ??= this.#beat().finally(() => {
        this.#beating = undefined;
      });
    }, HEARTBEAT_MS);
  }

  /** Gives back at once what this process still held. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    const { pool, processId } = this.#options;
    await pool.query('delete from processes where id = $1::uuid', [processId]).catch(() => undefined);
    await this.#recover().catch(() => undefined);
  }

  async #beat(): Promise<void> {
    const { pool, processId, log } = this.#options;
    try {
      await pool.query(HEARTBEAT, [processId]);
      await this.#recover();
      await pool.query(PIN);
    } catch (error) {
      log.debug({ reason: (error as Error).message }, 'a heartbeat failed');
    }
  }

  async #recover(): Promise<void> {
    const { pool, processId, active, onRecovered, log } = this.#options;
    const values = [processId, LEASE_MS, active(), CLAIM_GRACE_MS, MAX_ATTEMPTS];
    const { rows } = await pool.query<{ id: number }>(RECOVER, values);
    if (rows.length === 0) return;
    log.info({ calculations: rows.length }, 'calculations of a process that stopped went back to the queue');
    onRecovered(rows.map((row) => row.id));
  }
}
