import type pg from 'pg';
import type { Statement } from '../database/port.ts';
import { openClient } from '../database/connect.ts';
import { MAX_PREPARED } from './limits.ts';

/** Session settings of a calculating connection. */
const SETTINGS = `
  select set_config('jit', 'off', false),                      -- compiling a statement takes longer than running it
         set_config('max_parallel_workers_per_gather', '0', false), -- the threads are the parallelism
         set_config('plan_cache_mode', 'force_generic_plan', false),
         set_config('enable_seqscan', 'off', false),          -- a plan made while a table is empty outlives that: decision 0004
         set_config('default_transaction_isolation', 'repeatable read', false), -- a calculation is a statement by itself: decision 0014
         set_config('statement_timeout', $1::text, false)`;
/** Ends a statement whose thread has died. Not there on every platform, so a refusal is ignored. */
const CHECK_CLIENT = `select set_config('client_connection_check_interval', '1000', false)`;

/** Sets a connection up to calculate. Whoever explains a calculation does the same, else it would be another plan. */
export const asCalculating = async (client: pg.ClientBase, statementTimeoutMs: number): Promise<void> => {
  await client.query(SETTINGS, [String(statementTimeoutMs)]);
  await client.query(CHECK_CLIENT).catch(() => undefined);
};

export class CancelledError extends Error {
  override readonly name = 'CancelledError';
}

interface Options {
  readonly url: string;
  readonly statementTimeoutMs: number;
  /** Sends statements without waiting for the one before; each is a transaction by itself. */
  readonly pipeline?: boolean;
  readonly applicationName?: string;
}

type Query = (statement: unknown, values?: unknown, ...rest: unknown[]) => Promise<unknown>;

/**
 * One thread's connection: made when first needed and again when lost. Every statement with parameters is prepared under
 * a name of its text; when there are too many the connection is replaced.
 */
export class Session {
  readonly #options: Options;
  readonly #names = new Map<string, string>();
  #client: pg.Client | undefined;
  #backend = 0;
  #cancelled = false;
  #cancelling: Promise<void> | undefined;
  #statementStarted = 0;
  #failedAfterMs = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  get statementTimeoutMs(): number {
    return this.#options.statementTimeoutMs;
  }

  /** How long the statement had run that failed last. */
  get statementMs(): number {
    return this.#failedAfterMs;
  }

  get idleMs(): number {
    return performance.now() - this.#statementStarted;
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** For the next task: nothing cancelled, and a connection that works as far as is known. */
  async begin(): Promise<pg.Client> {
    await this.#cancelling;
    this.#cancelled = false;
    if (this.#names.size > MAX_PREPARED) await this.reset();
    return this.#client ?? this.#connect();
  }

  /** Drops the connection; the next task makes another. */
  async reset(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#names.clear();
    await client?.end().catch(() => undefined);
  }

  /** Ends the running statement in PostgreSQL and refuses further ones of this task. */
  cancel(): void {
    if (this.#cancelled || this.#client === undefined) return;
    this.#cancelled = true;
    this.#cancelling = this.#cancelBackend(this.#backend).finally(() => {
      this.#cancelling = undefined;
    });
  }

  async #connect(): Promise<pg.Client> {
    const { url, pipeline = false, applicationName = 'evenkeel worker' } = this.#options;
    const client = await openClient(url, { applicationName, pipeline });
    client.once('end', () => {
      if (this.#client === client) void this.reset();
    });
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    await asCalculating(client, this.#options.statementTimeoutMs);
    this.#backend = rows[0]?.pid ?? 0;
    this.#prepareAll(client);
    this.#client = client;
    this.#names.clear();
    return client;
  }

  /** Puts names on statements, and keeps the clock and the brake, below everything that uses the client. */
  #prepareAll(client: pg.Client): void {
    const query = client.query.bind(client) as unknown as Query;
    const guarded: Query = (statement, values, ...rest) => {
      const text = typeof statement === 'string' ? statement : (statement as Statement).text;
      const cleansUp = text === 'rollback' || text.includes('pg_advisory_unlock');
      if (this.#cancelled && !cleansUp) return Promise.reject(new CancelledError('the calculation was cancelled'));
      const started = performance.now();
      this.#statementStarted = started;
      const given = values ?? (typeof statement === 'string' ? undefined : (statement as Statement).values);
      const name = typeof statement === 'string' ? undefined : (statement as Statement).name;
      if (name !== undefined) this.#names.set(text, name);
      // One that emits its rows is an object of its own, which must arrive as it is.
      const isOwnObject = typeof (statement as { submit?: unknown }).submit === 'function';
      if (isOwnObject) return query(statement);
      const running =
        name !== undefined || !Array.isArray(given)
          ? query(statement, values, ...rest)
          : query({ name: this.#nameOf(text), text, values: given });
      if (!cleansUp)
        running?.catch(() => {
          this.#failedAfterMs = performance.now() - started;
        });
      return running;
    };
    client.query = guarded as unknown as typeof client.query;
  }

  #nameOf(text: string): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const name = `text_${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }

  async #cancelBackend(backend: number): Promise<void> {
    const client = await openClient(this.#options.url, { applicationName: 'evenkeel cancel' }).catch(() => undefined);
    await client?.query('select pg_cancel_backend($1::integer)', [backend]).catch(() => undefined);
    await client?.end().catch(() => undefined);
  }
}
