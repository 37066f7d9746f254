import type pg from 'pg';
import { EvenkeelError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { applyRequests } from './apply.ts';
import {
  MAX_GROUP_BYTES,
  MAX_GROUP_OPERATIONS,
  MAX_TRANSACTIONS,
  MAX_WAITING_BYTES,
  MAX_WORKSPACE_TRANSACTIONS,
  MIN_BESIDE_OPERATIONS,
} from './limits.ts';
import type { Operation } from './operations.ts';

export interface Applied {
  readonly workspaceId: number;
  readonly requests: number;
  readonly operations: number;
  readonly durationMs: number;
  /** Of each request: from when it was accepted until everybody sees it. */
  readonly visibleAfterMs: readonly number[];
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
  readonly acceptedAt: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What goes on in one workspace. */
interface Lane {
  /** In the order in which they came. */
  readonly waiting: Request[];
  /** Whom the transactions that run name: no two of them name the same user. */
  readonly named: Set<string>;
  transactions: number;
  /** The transaction that runs has an alias, which makes one user of two names. */
  aliasing: boolean;
}

/**
 * The one door for writes. While transactions of a workspace run, further requests wait and are applied together by the next one:
 * no request overtakes another of its workspace, and none is begun while another that names one of its users is applied, so
 * that what is said of a name is applied in the order in which it came.
 */
export class Intake {
  readonly #options: IntakeOptions;
  /** By workspace, the one that was served last at the end; of those alone that have something waiting or running. */
  readonly #lanes = new Map<number, Lane>();
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
      const lane = this.#lanes.get(workspaceId) ?? newLane();
      lane.waiting.push({ operations, bytes, acceptedAt: performance.now(), resolve, reject });
      this.#lanes.set(workspaceId, lane);
      this.#next();
    });
  }

  /** Applies what was accepted, and accepts nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Begins what can be begun. A lane that was served goes behind the others, where this loop meets it again. */
  #next(): void {
    for (const [workspaceId, lane] of this.#lanes) {
      if (this.#running.size >= MAX_TRANSACTIONS) return;
      const group = takeGroup(lane);
      if (group.length === 0) continue;
      this.#lanes.delete(workspaceId);
      this.#lanes.set(workspaceId, lane);
      const leave = enter(lane, group);
      const running = this.#applyGroup(workspaceId, group).finally(() => {
        this.#running.delete(running);
        leave();
        if (lane.transactions === 0 && lane.waiting.length === 0) this.#lanes.delete(workspaceId);
        this.#next();
      });
      this.#running.add(running);
    }
  }

  async #applyGroup(workspaceId: number, group: readonly Request[]): Promise<void> {
    const started = performance.now();
    const outcomes = await applyRequests(
      this.#options.pool,
      workspaceId,
      group.map(({ operations }) => operations),
    );
    const ended = performance.now();
    const visibleAfterMs: number[] = [];
    let operations = 0;
    for (const [i, request] of group.entries()) {
      const problem = outcomes[i];
      this.#waitingBytes -= request.bytes;
      if (problem === undefined) {
        operations += request.operations.length;
        visibleAfterMs.push(ended - request.acceptedAt);
        request.resolve();
      } else request.reject(problem);
    }
    const durationMs = ended - started;
    const requests = group.length;
    if (operations === 0) return;
    try {
      this.#options.onApplied({ workspaceId, requests, operations, durationMs, visibleAfterMs });
    } catch (error) {
      this.#options.log.error({ err: error }, 'a listener of applied writes failed');
    }
  }
}

const newLane = (): Lane => ({ waiting: [], named: new Set(), transactions: 0, aliasing: false });

const hasAlias = ({ operations }: Request): boolean => operations.some(({ kind }) => kind === 'alias');

/** Whether a request may be applied while the transactions of the lane run. */
const isApart = ({ named, aliasing }: Lane, request: Request): boolean =>
  !aliasing && !hasAlias(request) && !request.operations.some(({ userId }) => named.has(userId));

/**
 * Takes requests from the front, up to the bounds of a group: at least one where nothing runs. Beside others that run, only such as
 * have nothing to do with them, and only if they are much: few are better applied together with what comes next.
 */
const takeGroup = (lane: Lane): Request[] => {
  const beside = lane.transactions > 0;
  if (lane.transactions >= MAX_WORKSPACE_TRANSACTIONS) return [];
  let operations = 0;
  let bytes = 0;
  let count = 0;
  for (const request of lane.waiting) {
    if (beside && !isApart(lane, request)) break;
    operations += request.operations.length;
    bytes += request.bytes;
    if (count > 0 && (operations > MAX_GROUP_OPERATIONS || bytes > MAX_GROUP_BYTES)) break;
    count += 1;
  }
  if (beside && operations < MIN_BESIDE_OPERATIONS) return [];
  return lane.waiting.splice(0, count);
};

/** Notes that a group is applied; what it gives notes that it is not any more. */
const enter = (lane: Lane, group: readonly Request[]): (() => void) => {
  const names = group.flatMap(({ operations }) => operations.map(({ userId }) => userId));
  for (const name of names) lane.named.add(name);
  lane.transactions += 1;
  lane.aliasing = group.some(hasAlias);
  return () => {
    for (const name of names) lane.named.delete(name);
    lane.transactions -= 1;
    lane.aliasing = false;
  };
};
