import { EventEmitter } from 'node:events';
import type pg from 'pg';
import type { Log } from '../core/log.ts';
import { openClient } from '../database/connect.ts';
import type { CalculationRow } from './resources.ts';
import { RECONNECT_BASE_MS, RECONNECT_MAX_MS } from './limits.ts';

const CHANNEL = 'evenkeel_calculations';

/**
 * What processes tell each other. `queued`: look at the queue; `cancelled`: who runs it, stop; `changed`: who waits, look,
 * unless it has only `begun` and its end is what you wait for, or what you would see has come along: how it `ended`.
 */
export type Signal =
  | { readonly kind: 'queued' }
  | { readonly kind: 'cancelled'; readonly id: number }
  | { readonly kind: 'changed'; readonly id: number; readonly begun?: true; readonly ended?: CalculationRow };

interface Options {
  readonly url: string;
  /** For `notify`: commits without waiting for the disk, as a lost signal only costs a poll's time. */
  readonly pool: pg.Pool;
  readonly origin: string;
  readonly log: Log;
}

/**
 * Signals of all processes on one database: local ones at once, those of others by `listen`. May be lost with a
 * connection, so everybody who waits for one also looks by himself now and then.
 */
export class Signals {
  readonly #options: Options;
  readonly #emitter = new EventEmitter<{ signal: [Signal] }>();
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #running = false;

  constructor(options: Options) {
    this.#options = options;
    this.#emitter.setMaxListeners(0);
  }

  /** Returns what ends it. */
  listen(listener: (signal: Signal) => void): () => void {
    this.#emitter.on('signal', listener);
    return () => this.#emitter.off('signal', listener);
  }

  queued(): void {
    this.send({ kind: 'queued' });
  }

  cancelled(id: number): void {
    this.send({ kind: 'cancelled', id });
    this.changed(id);
  }

  changed(id: number): void {
    this.send({ kind: 'changed', id });
  }

  /** Only for this process: what others may as well find out when they look by themselves. */
  here(signal: Signal): void {
    this.#emitter.emit('signal', signal);
  }

  async start(): Promise<void> {
    this.#running = true;
    await this.#connect();
  }

  async stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => undefined);
    this.#client = undefined;
  }

  send(signal: Signal): void {
    this.here(signal);
    // A row is more than a notification may hold, and its times are no dates any more on the other side.
    const payload = JSON.stringify({ ...signal, ended: undefined, origin: this.#options.origin });
    this.#options.pool
      .query('select pg_notify($1::text, $2::text)', [CHANNEL, payload])
      .catch((error: Error) =>
        this.#options.log.debug({ reason: error.message }, 'a signal to other processes was lost'),
      );
  }

  async #connect(): Promise<void> {
    let client: pg.Client | undefined;
    try {
      client = await openClient(this.#options.url, { applicationName: 'evenkeel signals' });
      client.on('notification', ({ payload }) => this.#receive(payload));
      client.once('end', () => this.#lost(client));
      await client.query(`listen ${CHANNEL}`);
      if (!this.#running) return void (await client.end());
      this.#client = client;
      this.#failures = 0;
      // Whatever was said while nobody listened.
      this.#emitter.emit('signal', { kind: 'queued' });
    } catch (error) {
      this.#options.log.debug({ reason: (error as Error).message }, 'cannot listen for signals');
      await client?.end().catch(() => undefined);
      this.#retry();
    }
  }

  #lost(client: pg.Client | undefined): void {
    if (!this.#running || this.#client !== client) return;
    this.#client = undefined;
    this.#options.log.warn({}, 'the connection that listens for signals was lost; connecting again');
    this.#retry();
  }

  #retry(): void {
    if (!this.#running) return;
    const delayMs = Math.min(RECONNECT_MAX_MS, RECONNECT_BASE_MS * 2 ** this.#failures);
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), delayMs);
  }

  #receive(payload: string | undefined): void {
    try {
      const { origin, ...signal } = JSON.parse(payload ?? '') as Signal & { origin: string };
      if (origin !== this.#options.origin) this.#emitter.emit('signal', signal);
    } catch {
      this.#options.log.warn({}, 'a signal that cannot be read');
    }
  }
}
