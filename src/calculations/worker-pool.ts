import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { BroadcastChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { EvenkeelError } from '../core/errors.ts';
import { classifyCrash } from './failures.ts';
import { MAX_WAITING_QUESTIONS, WORKER_HEAP_MB } from './limits.ts';
import { type Answer, type CalculateTask, type Outcome, type QuestionTask, refusalError } from './tasks.ts';
import type { ThreadSettings } from './worker.ts';

export interface WorkerPoolOptions {
  readonly url: string;
  readonly statementTimeoutMs: number;
  /** Worker threads, each with a connection of its own. */
  readonly threads?: number;
  readonly heapMb?: number;
  /** What a thread runs; another one in tests that crash it. */
  readonly workerFile?: URL;
}

export const defaultThreads = (): number => Math.max(2, availableParallelism());

const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const WORKER_FILE = new URL(`./worker.${EXTENSION}`, import.meta.url);

/** Threads that calculate and answer questions. A thread that dies takes only its own task along, and is replaced. */
export class WorkerPool {
  readonly threads: number;
  readonly #piscina: Piscina;
  readonly #channel: BroadcastChannel;
  #calculating = 0;
  #asking = 0;

  constructor(options: WorkerPoolOptions) {
    const file = options.workerFile ?? WORKER_FILE;
    const channel = `evenkeel-cancel-${randomUUID()}`;
    const settings: ThreadSettings = { url: options.url, statementTimeoutMs: options.statementTimeoutMs, channel };
    this.threads = options.threads ?? defaultThreads();
    this.#channel = new BroadcastChannel(channel);
    this.#channel.unref();
    this.#piscina = new Piscina({
      filename: fileURLToPath(file),
      minThreads: this.threads,
      maxThreads: this.threads,
      // An idle thread that sleeps in Atomics.wait would not see its connection close.
      atomics: 'disabled',
      workerData: settings,
      resourceLimits: { maxOldGenerationSizeMb: options.heapMb ?? WORKER_HEAP_MB },
      ...(file.pathname.endsWith('.ts') ? { execArgv: ['--import', 'tsx'] } : {}),
    });
    // Each lost task rejects by itself; without a listener a crash would end the process.
    this.#piscina.on('error', () => undefined);
  }

  get calculating(): number {
    return this.#calculating;
  }

  get busy(): number {
    return Math.min(this.threads, this.#calculating + this.#asking);
  }

  get waiting(): number {
    return Math.max(0, this.#calculating + this.#asking - this.threads);
  }

  /** Threads for calculations: those that no question holds, and always one, so that questions cannot keep them out. */
  get free(): number {
    const open = this.threads - this.#calculating - this.#asking;
    return Math.max(open, this.#calculating === 0 ? 1 : 0);
  }

  /** Never rejects: a crash of the thread is an outcome. */
  async calculate(task: CalculateTask): Promise<Outcome> {
    this.#calculating += 1;
    try {
      return (await this.#piscina.run(task)) as Outcome;
    } catch (error) {
      return classifyCrash(error);
    } finally {
      this.#calculating -= 1;
    }
  }

  /** Throws what the thread refused with, and 503 where too many wait or the thread crashed. */
  async ask<T>(task: QuestionTask): Promise<T> {
    if (this.#asking >= MAX_WAITING_QUESTIONS)
      throw new EvenkeelError(503, 'busy', 'too many previews wait already', { hint: 'try again in a moment' });
    this.#asking += 1;
    try {
      const answer = (await this.#piscina.run(task)) as Answer;
      if ('refusal' in answer) throw refusalError(answer.refusal);
      return answer.value as T;
    } catch (error) {
      if (error instanceof EvenkeelError) throw error;
      throw new EvenkeelError(503, 'worker_crashed', 'the worker thread crashed', { hint: 'try again' });
    } finally {
      this.#asking -= 1;
    }
  }

  /** Tells the threads; the one that runs it ends its statement. */
  cancel(calculationId: number): void {
    this.#channel.postMessage(calculationId);
  }

  async close(): Promise<void> {
    this.#channel.close();
    await this.#piscina.destroy();
  }
}
