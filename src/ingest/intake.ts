import type pg from 'pg';
import { EvenkeelError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { applyRequests } from './apply.ts';
import { MAX_GROUP_BYTES, MAX_GROUP_OPERATIONS, MAX_TRANSACTIONS, MAX_WAITING_BYTES } from './limits.ts';
import type { Operation } from './operations.ts';

export interface Applied {
  readonly workspaceId: number;
  readonly requests: number;
  readonly operations: number;
  readonly durationMs: number;
}

export interface IntakeOptions {
  readonly pool: pg.Pool;
  readonly log: Log;
  /** Called after each commit: the bitmaps can be folded now. */
  readonly onApplied: (applied: Applied) => void;
  readonly maxWaitingBytes?: number;
}

interface Request {
  readonly operations: readonly Operation[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The one door for writes: what `accept` takes is applied in the order in which it came, by workspace. While a transaction
 * of a workspace runs, further requests wait and are applied together by the next one.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #lanes = new Map<number, Request[]>();
  readonly #ready: number[] = [];
  readonly #running = new Set<Promise<void>>();
  #waitingBytes = 0;
  #closed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Bytes of what was accepted and is not applied yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * Resolves when all operations are committed, in one transaction. Throws where none of them is: 4xx where they cannot be, 503
   * where too much waits already or the database is away.
   */
  accept(workspaceId: number, operations: readonly Operation[]): Promise<void> {
    if (operations.length === 0) return Promise.resolve();
    if (this.#closed)
      return Promise.reject(
        new EvenkeelError(503, 'stopping', 'the service is stopping', { hint: 'send it again in a moment' }),
      );
    const bytes = operations.reduce((sum, operation) => sum + operation.bytes, 0);
    const { maxWaitingBytes = MAX_WAITING_BYTES } = this.#options;
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > maxWaitingBytes)
      return Promise.reject(
        new EvenkeelError(503, 'busy', 'too much waits to be stored already', { hint: 'send it again in a moment' }),
      );
    return new Promise((resolve, reject) => {
      this.#waitingBytes += bytes;
      const request = { operations, bytes, resolve, reject };
      const lane = this.#lanes.get(workspaceId);
      if (lane) lane.push(request);
      else {
        this.#lanes.set(workspaceId, [request]);
        this.#ready.push(workspaceId);
      }
      this.#next();
    });
  }

  /** Applies what was accepted, and accepts nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** A workspace is in `#ready` when it has requests and no transaction; its lane goes when nothing waits any more. */
  #next(): void {
    while (this.#running.size < MAX_TRANSACTIONS) {
      const workspaceId = this.#ready.shift();
      if (workspaceId === undefined) return;
      const running = this.#applyGroup(workspaceId).finally(() => {
        this.#running.delete(running);
        if (this.#lanes.get(workspaceId)?.length === 0) this.#lanes.delete(workspaceId);
        else this.#ready.push(workspaceId);
        this.#next();
      });
      this.#running.add(running);
    }
  }

  async #applyGroup(workspaceId: number): Promise<void> {
    const group = takeGroup(this.#lanes.get(workspaceId) ?? []);
    const started = performance.now();
    const outcomes = await applyRequests(
      this.#options.pool,
      workspaceId,
      group.map(({ operations }) => operations),
    );
    let operations = 0;
    for (const [i, request] of group.entries()) {
      const problem = outcomes[i];
      this.#waitingBytes -= request.bytes;
      if (problem === undefined) operations += request.operations.length;
      if (problem === undefined) request.resolve();
      else request.reject(problem);
    }
    const durationMs = performance.now() - started;
    const requests = group.length;
    if (operations === 0) return;
    try {
      this.#options.onApplied({ workspaceId, requests, operations, durationMs });
    } catch (error) {
      this.#options.log.error({ err: error }, 'a listener of applied writes failed');
    }
  }
}

/** Takes requests from the front: always one, and more up to the bounds of a group. */
const takeGroup = (lane: Request[]): Request[] => {
  let operations = 0;
  let bytes = 0;
  let count = 0;
  for (const request of lane) {
    operations += request.operations.length;
    bytes += request.bytes;
    if (count > 0 && (operations > MAX_GROUP_OPERATIONS || bytes > MAX_GROUP_BYTES)) break;
    count += 1;
  }
  return lane.splice(0, count);
};
