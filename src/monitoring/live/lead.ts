import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Log } from '../../core/log.ts';
import { openClient } from '../../database/connect.ts';
import { isConnectionLost, isLockTimeout } from '../../database/errors.ts';
import { sql } from '../../database/sql.ts';
import { LEASE_MS, MAINTENANCE_MS, RETRY_BASE_MS, RETRY_MAX_MS, STANDBY_POLL_MS, STEP_MS } from './limits.ts';
import { readView } from './state.ts';
import type { StoredView } from './view.ts';
import { Watch, type WatchOptions } from './watch.ts';

/** Held by the session of the one process that judges. The number is 'evmn' in ASCII. */
export const MONITOR_LOCK = 0x65766d6e;
const END_SILENT = sql('monitor-end-silent');

/**
 * A leader whose machine is gone must not hold the lock for the two hours after which TCP would notice; one that is stopped in the
 * middle of a transaction must not either.
 */
const SESSION = `
  select set_config('synchronous_commit', 'off', false), set_config('jit', 'off', false),
         set_config('lock_timeout', '5s', false), set_config('statement_timeout', '60s', false),
         set_config('idle_in_transaction_session_timeout', '30s', false),
         set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),
         set_config('tcp_keepalives_count', '3', false)`;

export interface LeadOptions extends Omit<WatchOptions, 'client'> {
  readonly url: string;
  readonly log: Log;
  readonly onLeading?: (leading: boolean) => void;
  /** What this or another process has found. */
  readonly onView?: (view: StoredView) => void;
  readonly stepMs?: number;
  readonly standbyMs?: number;
  readonly leaseMs?: number;
}

/** Waits until this process may judge, judges until it may not or is stopped, and begins anew after every failure. */
export class Lead {
  readonly #options: LeadOptions;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #leading = false;

  constructor(options: LeadOptions) {
    this.#options = options;
  }

  get leading(): boolean {
    return this.#leading;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends after the step that runs, and saves, so that the next leader has nothing to repeat. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stopped; ) {
      try {
        await this.#session(() => (failures = 0));
      } catch (error) {
        failures += 1;
        this.#tellOf(error, failures);
        await this.#pause(Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** failures));
      }
    }
  }

  get #stopped(): boolean {
    return this.#abort.signal.aborted;
  }

  #tellOf(error: unknown, failures: number): void {
    const { log } = this.#options;
    // The database is away, or another process has ended this session: both pass.
    if (isConnectionLost(error) || isLockTimeout(error))
      log.info({ reason: (error as Error).message, failures }, 'watching calculations is interrupted');
    else log.error({ err: error, failures }, 'watching calculations failed; it begins anew from what was saved');
  }

  async #session(succeeded: () => void): Promise<void> {
    const client = await openClient(this.#options.url, { applicationName: 'evenkeel monitor' });
    try {
      await client.query(SESSION);
      if (!(await this.#mayLead(client))) return;
      await this.#judge(client, succeeded);
    } finally {
      this.#lead(false);
      await client.end().catch(() => undefined);
    }
  }

  /** True as soon as the lock is held; false where it was stopped before. */
  async #mayLead(client: pg.Client): Promise<boolean> {
    const { standbyMs = STANDBY_POLL_MS, leaseMs = LEASE_MS, log } = this.#options;
    while (!this.#stopped) {
      const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [MONITOR_LOCK]);
      if (rows[0]?.held === true) return true;
      const { rowCount } = await client.query(END_SILENT, [MONITOR_LOCK, leaseMs]);
      if ((rowCount ?? 0) > 0)
        log.warn({}, 'the process that watched calculations does not answer: another takes over');
      const view = await readView(client);
      if (view !== undefined) this.#options.onView?.(view);
      await this.#pause(standbyMs);
    }
    return false;
  }

  async #judge(client: pg.Client, succeeded: () => void): Promise<void> {
    const { stepMs = STEP_MS, log } = this.#options;
    const began = performance.now();
    const watch = await Watch.restore({ ...this.#options, client });
    const tookMs = Math.round(performance.now() - began);
    log.info({ tookMs }, 'this process watches calculations');
    if (watch.relearned !== undefined)
      log.warn(
        { reason: watch.relearned, tookMs },
        'the saved state of the detector cannot be read: it has learned anew from the calculations of the last weeks; what operators accepted as normal meanwhile is to be accepted again',
      );
    this.#lead(true);
    let maintainedAt = performance.now();
    while (!this.#stopped) {
      const { more, view } = await watch.step();
      this.#options.onView?.(view);
      succeeded();
      if (watch.saveDue) await watch.save();
      if (performance.now() - maintainedAt >= MAINTENANCE_MS) {
        maintainedAt = performance.now();
        await this.#maintain(watch);
      }
      if (!more) await this.#pause(stepMs);
    }
    await watch.save();
  }

  /** There are partitions for days ahead, so one time that fails does not matter. */
  async #maintain(watch: Watch): Promise<void> {
    const dropped = await watch.maintain().catch((error: unknown) => {
      if (!isLockTimeout(error)) throw error;
      return [];
    });
    if (dropped.length > 0) this.#options.log.info({ dropped }, 'dropped what is older than it is kept');
  }

  #lead(leading: boolean): void {
    if (leading === this.#leading) return;
    this.#leading = leading;
    this.#options.onLeading?.(leading);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }
}
