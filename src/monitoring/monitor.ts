import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { Log } from '../core/log.ts';
import type { DetectorConfig } from './detector/config.ts';
import { partitionedTables, type Retention } from './live/partitions.ts';
import type { FromThread, ThreadSettings, ThreadTask, ToThread } from './live/thread.ts';
import type { StoredView, View } from './live/view.ts';

const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const WORKER_FILE = new URL(`./live/worker.${EXTENSION}`, import.meta.url);
/** The service's own start comes first: its threads, and whoever waits for them. */
const START_AFTER_MS = 5_000;
/** One that fails at once fails again, and its failures should be read. */
const RESTART_MS = 10_000;
/** A thread that has not ended by then is in a statement that hangs. */
const STOP_MS = 10_000;
const HEAP_MB = 512;

export interface MonitorOptions {
  readonly url: string;
  readonly log: Log;
  readonly retention: Retention;
  /** Thresholds that are not the defaults. */
  readonly config: Partial<DetectorConfig>;
  /** What a calculation that timed out took at least. */
  readonly statementTimeoutMs: number;
  /** Hears when this process begins and ceases to judge. */
  readonly onLeading?: (leading: boolean) => void;
  readonly startAfterMs?: number;
  readonly stepMs?: number;
  readonly standbyMs?: number;
}

/** Watches calculations together with the other processes, of which one judges at a time; shows what that one found. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #id = randomUUID();
  #start: NodeJS.Timeout | undefined;
  #thread: { readonly piscina: Piscina; readonly port: MessagePort; readonly ended: Promise<void> } | undefined;
  #stopped = false;
  #leading = false;
  #view: StoredView | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#begin(this.#options.startAfterMs ?? START_AFTER_MS);
  }

  /** Whether this process is the one that judges. */
  get leading(): boolean {
    return this.#leading;
  }

  /** As of the leader's last step, which is seconds ago; undefined where nothing is known yet. */
  view(): View | undefined {
    return this.#view && { ...this.#view, leading: this.#leading };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#start);
    if (this.#thread === undefined) return;
    const { piscina, port, ended } = this.#thread;
    port.postMessage('stop' satisfies ToThread);
    const patience = new AbortController();
    await Promise.race([ended, sleep(STOP_MS, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
    await piscina.destroy();
    await ended;
  }

  #begin(afterMs: number): void {
    if (this.#stopped) return;
    this.#start = setTimeout(() => this.#launch(), afterMs);
    this.#start.unref();
  }

  #launch(): void {
    const { url, log, config, retention, statementTimeoutMs, stepMs, standbyMs } = this.#options;
    const settings: ThreadSettings = {
      url,
      leader: this.#id,
      config,
      tables: partitionedTables(retention),
      timeoutMs: statementTimeoutMs,
      ...(stepMs === undefined ? {} : { stepMs }),
      ...(standbyMs === undefined ? {} : { standbyMs }),
    };
    const piscina = new Piscina({
      filename: fileURLToPath(WORKER_FILE),
      minThreads: 1,
      maxThreads: 1,
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      ...(EXTENSION === 'ts' ? { execArgv: ['--import', 'tsx'] } : {}),
    });
    // The task that is lost rejects by itself; without a listener a crash would end the process.
    piscina.on('error', () => undefined);
    const { port1, port2 } = new MessageChannel();
    port1.on('message', (message: FromThread) => this.#hear(message));
    const task: ThreadTask = { settings, port: port2 };
    const ended = (piscina.run(task, { transferList: [port2] }) as Promise<void>)
      .catch((error: unknown) => {
        if (!this.#stopped)
          log.error({ err: error }, 'the thread that watches calculations has failed; it begins again');
      })
      .then(() => {
        port1.close();
        this.#thread = undefined;
        this.#lead(false);
        if (this.#stopped) return;
        void piscina.destroy();
        this.#begin(RESTART_MS);
      });
    this.#thread = { piscina, port: port1, ended };
  }

  #hear(message: FromThread): void {
    switch (message.kind) {
      case 'leading':
        return this.#lead(message.leading);
      case 'view':
        this.#view = message.view;
        return;
      case 'log':
        return this.#options.log[message.level](message.fields, message.message);
    }
  }

  #lead(leading: boolean): void {
    if (leading === this.#leading) return;
    this.#leading = leading;
    this.#options.onLeading?.(leading);
  }
}
