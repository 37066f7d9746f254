import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { conflict, notFound } from '../core/errors.ts';
import { formatId, parseId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { CONDITION_KINDS } from '../conditions/types.ts';
import { isConnectionLost, openPool } from '../database/connect.ts';
import { sql } from '../database/sql.ts';
import { decodeIntegers, encodeCursor } from '../core/cursors.ts';
import { Asking } from './asking.ts';
import { changesOf, untilDeadline } from './changes.ts';
import { Dispatcher } from './dispatcher.ts';
import type { CalculationRecord } from './records.ts';
import { readInteger, readOneOf } from './input.ts';
import { Lease } from './lease.ts';
import {
  DEFAULT_CALCULATION_DAYS,
  DEFAULT_LIST_LIMIT,
  DEFAULT_STATEMENT_TIMEOUT_MS,
  DRAIN_MS,
  MAX_LIST_LIMIT,
} from './limits.ts';
import { readExplain, readPreview, readSince } from './requests.ts';
import {
  type CalculationResource,
  type CalculationRow,
  calculationResource,
  hasEnded,
  STATES,
  TRIGGERS,
} from './resources.ts';
import type { CalculationFilters, CalculationsService, Explanation, MemberAnswer, Preview } from './services.ts';
import { checkPatterns } from './patterns.ts';
import { Quick } from './quick.ts';
import { Retention } from './retention.ts';
import type { Prediction } from './schedule/prediction.ts';
import { predict } from './schedule/predictor.ts';
import { unknownSegment } from './segment-changes.ts';
import { type ScheduleOutcome, Scheduler } from './schedule/scheduler.ts';
import { Signals } from './signals.ts';
import { WorkerPool } from './worker-pool.ts';

const SELECT = sql('calculations-select');
const CANCEL = sql('calculations-cancel');

const QUICK_CONNECTIONS = 4;

export interface CalculationsOptions {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly log: Log;
  /** Worker threads; by default as many as there are cores, at least 2. */
  readonly threads?: number;
  readonly statementTimeoutMs?: number;
  /** How long the rows of calculations that ended are kept. */
  readonly calculationDays?: number;
  /** Hears of each attempt that ended. */
  readonly onCalculation?: (record: CalculationRecord) => void;
  /** Hears of each segment that was due. */
  readonly onSchedule?: (outcome: ScheduleOutcome) => void;
  /** Hears how long the queue's own bookkeeping waited for a connection. */
  readonly onWait?: (waitMs: number) => void;
  /** How often it is looked which segments are due. */
  readonly schedulePollMs?: number;
  /** Memory of a thread; beyond it the thread ends and its calculation is tried again. */
  readonly heapMb?: number;
  /** How long stopping waits for what runs. */
  readonly drainMs?: number;
  /** What a thread runs; another one in tests that crash it. */
  readonly workerFile?: URL;
}

/** Requests, their queue, the threads that run them, and what became of them. */
export class Calculations implements CalculationsService {
  readonly signals: Signals;
  readonly #options: CalculationsOptions;
  readonly #quick: pg.Pool;
  readonly #workers: WorkerPool;
  readonly #quickly: Quick;
  readonly #dispatcher: Dispatcher;
  readonly #asking: Asking;
  readonly #lease: Lease;
  readonly #retention: Retention;
  readonly #scheduler: Scheduler;

  constructor(options: CalculationsOptions) {
    const { url, pool, log } = options;
    const processId = randomUUID();
    this.#options = options;
    this.#quick = openQuickPool(options);
    this.signals = new Signals({ url, pool: this.#quick, origin: processId, log });
    this.#workers = new WorkerPool({
      url,
      statementTimeoutMs: options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS,
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      ...(options.heapMb === undefined ? {} : { heapMb: options.heapMb }),
      ...(options.workerFile === undefined ? {} : { workerFile: options.workerFile }),
    });
    const shared = { pool: this.#quick, signals: this.signals, processId, log };
    this.#quickly = new Quick({
      url,
      statementTimeoutMs: options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS,
      processId,
      sessions: this.#workers.threads,
    });
    this.#dispatcher = new Dispatcher({
      ...shared,
      workers: this.#workers,
      quick: this.#quickly,
      onCalculation: (record) => options.onCalculation?.(record),
    });
    this.#asking = new Asking({
      pool,
      dispatcher: this.#dispatcher,
      signals: this.signals,
      threads: this.#workers.threads,
      read: (workspaceId, id) => this.#read(workspaceId, id),
    });
    this.#lease = new Lease({
      ...shared,
      active: () => this.#dispatcher.active,
      onRecovered: (ids) => {
        for (const id of ids) this.signals.changed(id);
        this.signals.queued();
      },
    });
    this.#retention = new Retention({
      pool,
      log,
      calculationDays: options.calculationDays ?? DEFAULT_CALCULATION_DAYS,
    });
    this.#scheduler = new Scheduler({
      ...shared,
      ...(options.onSchedule === undefined ? {} : { onSchedule: options.onSchedule }),
      ...(options.schedulePollMs === undefined ? {} : { pollMs: options.schedulePollMs }),
    });
    this.signals.listen((signal) => {
      if (signal.kind === 'queued') this.#dispatcher.poke();
      if (signal.kind !== 'cancelled') return;
      this.#workers.cancel(signal.id);
      this.#quickly.cancel(signal.id);
    });
  }

  async start(): Promise<void> {
    await this.#lease.start();
    await this.signals.start();
    this.#dispatcher.start();
    this.#retention.start();
    this.#scheduler.start();
  }

  /** Claims no more, waits a while for what runs, and gives the rest back to the queue. */
  async stop(): Promise<void> {
    await this.#scheduler.stop();
    await this.#dispatcher.stop();
    await this.#retention.stop();
    await Promise.race([
      this.#dispatcher.drained(),
      sleep(this.#options.drainMs ?? DRAIN_MS, undefined, { ref: false }),
    ]);
    await this.#workers.close();
    await this.#quickly.close();
    await this.#dispatcher.drained();
    await this.#lease.stop();
    await this.signals.stop();
    await this.#quick.end();
  }

  async request(workspaceId: number, key: string, body: unknown): Promise<CalculationResource> {
    return this.#asking.request(workspaceId, key, body);
  }

  async get(workspaceId: number, id: string): Promise<CalculationResource> {
    return this.#read(workspaceId, parseId('calculation', id));
  }

  async list(
    workspaceId: number,
    filters: CalculationFilters = {},
  ): Promise<{ calculations: CalculationResource[]; nextCursor: string | null }> {
    const limit = readInteger(filters.limit ?? DEFAULT_LIST_LIMIT, 'limit', { min: 1, max: MAX_LIST_LIMIT });
    const { rows } = await this.#options.pool.query<CalculationRow>(SELECT, [
      workspaceId,
      null,
      filters.cursor === undefined ? null : decodeIntegers('calculations', filters.cursor, 1)[0],
      filters.segment ?? null,
      filters.state === undefined ? null : readOneOf(filters.state, 'state', STATES),
      filters.trigger === undefined ? null : readOneOf(filters.trigger, 'trigger', TRIGGERS),
      filters.kind === undefined ? null : readOneOf(filters.kind, 'kind', CONDITION_KINDS),
      readSince(filters.since),
      limit + 1,
    ]);
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    return {
      calculations: shown.map(calculationResource),
      nextCursor: rows.length > limit && last !== undefined ? encodeCursor('calculations', last.id) : null,
    };
  }

  async predict(workspaceId: number, key: string): Promise<Prediction> {
    const prediction = await predict(this.#options.pool, workspaceId, key);
    if (prediction === undefined) throw unknownSegment(key);
    return prediction;
  }

  async cancel(workspaceId: number, id: string): Promise<CalculationResource> {
    const number = parseId('calculation', id);
    const { rows } = await this.#options.pool.query(CANCEL, [workspaceId, number]);
    const calculation = await this.#read(workspaceId, number);
    if (rows.length === 0) throw conflict(`the calculation has ${calculation.state} already`);
    this.signals.cancelled(number);
    return calculation;
  }

  async *watch(workspaceId: number, id: string, signal?: AbortSignal): AsyncGenerator<CalculationResource> {
    const changes = changesOf(this.signals, parseId('calculation', id), {
      begun: true,
      ...(signal && { abort: signal }),
    });
    let shown = '';
    try {
      while (signal?.aborted !== true) {
        const calculation = await this.#readUnlessAway(workspaceId, parseId('calculation', id), shown !== '');
        if (calculation !== undefined) {
          const seen = JSON.stringify(calculation);
          if (seen !== shown) yield calculation;
          shown = seen;
          if (hasEnded(calculation)) return;
        }
        await changes.next(untilDeadline(calculation));
      }
    } finally {
      changes.end();
    }
  }

  async preview(workspaceId: number, body: unknown): Promise<Preview> {
    const wanted = readPreview(body);
    await checkPatterns(this.#options.pool, wanted.condition);
    return this.#workers.ask({ kind: 'preview', workspaceId, ...wanted });
  }

  async explain(workspaceId: number, body: unknown): Promise<Explanation> {
    const wanted = readExplain(body);
    await checkPatterns(this.#options.pool, wanted.condition);
    return this.#workers.ask({ kind: 'explain', workspaceId, ...wanted });
  }

  async isMember(workspaceId: number, key: string, userId: string): Promise<MemberAnswer> {
    return this.#workers.ask({ kind: 'member', workspaceId, segmentKey: key, userId });
  }

  utilisation(): { threads: number; busy: number; waiting: number } {
    const { threads, busy, waiting } = this.#workers;
    return { threads, busy, waiting };
  }

  async queueDepth(): Promise<number> {
    const { rows } = await this.#options.pool.query<{ count: number }>(
      `select count(*)::integer as count from calculations where state = 'queued' and run_after <= clock_timestamp()`,
    );
    return rows[0]?.count ?? 0;
  }

  async #read(workspaceId: number, id: number): Promise<CalculationResource> {
    const values = [workspaceId, id, null, null, null, null, null, null, 1];
    const { rows } = await this.#options.pool.query<CalculationRow>(SELECT, values);
    const row = rows[0];
    if (row === undefined) throw notFound(`the calculation ${formatId('calculation', id)}`);
    return calculationResource(row);
  }

  /** Whoever waits may go on waiting while the database is away: what was asked for is not lost. */
  async #readUnlessAway(workspaceId: number, id: number, mayWait: boolean): Promise<CalculationResource | undefined> {
    try {
      return await this.#read(workspaceId, id);
    } catch (error) {
      if (mayWait && isConnectionLost(error)) return undefined;
      throw error;
    }
  }
}

/** For the queue's own bookkeeping: what a crash loses of it is done again, so no commit waits for the disk. */
const openQuickPool = ({ url, log, onWait }: CalculationsOptions): pg.Pool =>
  openPool(url, {
    max: QUICK_CONNECTIONS,
    applicationName: 'evenkeel dispatcher',
    log,
    ...(onWait === undefined ? {} : { onWait }),
    onConnect: async (client) => {
      await client.query('set synchronous_commit = off');
    },
  });
