import type pg from 'pg';
import { EvenkeelError } from '../core/errors.ts';
import { isConnectionLost } from '../database/connect.ts';
import { sql } from '../database/sql.ts';
import { changesOf, untilDeadline } from './changes.ts';
import type { Dispatcher } from './dispatcher.ts';
import { FIRST_LOOK_MS } from './limits.ts';
import { type Request, readRequest } from './requests.ts';
import { type CalculationResource, calculationResource, hasEnded, wasHandedLatest } from './resources.ts';
import { requestByDeadline } from './schedule/deadlines.ts';
import { unknownSegment } from './segment-changes.ts';
import type { Signals } from './signals.ts';

const REQUEST = sql('calculations-request');
/** A commit that waits for the disk takes all earlier ones along. */
const FLUSH = `select pg_logical_emit_message(true, 'evenkeel', '')`;

interface Options {
  /** Its commits wait for the disk. */
  readonly pool: pg.Pool;
  readonly dispatcher: Dispatcher;
  readonly threads: number;
  readonly signals: Signals;
  readonly read: (workspaceId: number, id: number) => Promise<CalculationResource>;
}

interface Asked {
  readonly id: number;
  /** With the id it says which one is meant: an id that a crash has lost may be given again. */
  readonly requestedAt: Date;
  /** No crash of the database can lose it. */
  readonly durable: boolean;
}

/**
 * Requests for calculations, and waiting for them. A request is kept from when it is answered. One that is waited for and can begin at
 * once need not be on the disk before its result, which takes it along; where the waiting ends first it is made durable then,
 * and where a crash loses it before, it is asked for again.
 */
export class Asking {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  async request(workspaceId: number, key: string, body: unknown): Promise<CalculationResource> {
    const { signals } = this.#options;
    const request = readRequest(body);
    const giveUpAt = performance.now() + request.waitMs;
    let asked = await this.#ask(workspaceId, key, request, request.waitMs > 0);
    let changes = changesOf(signals, asked.id, { begun: false });
    try {
      // Most end within milliseconds, and the end comes along: a look is worth its round trip only after that.
      let ended = request.waitMs > 0 ? await changes.next(Math.min(request.waitMs, FIRST_LOOK_MS)) : undefined;
      while (ended === undefined) {
        const leftMs = giveUpAt - performance.now();
        const found = await this.#look(workspaceId, asked, leftMs > 0);
        if (found === LOST) {
          changes.end();
          asked = await this.#ask(workspaceId, key, request, false);
          changes = changesOf(signals, asked.id, { begun: false });
          continue;
        }
        if (found !== undefined && hasEnded(found)) return found;
        if (found !== undefined && (leftMs <= 0 || wasHandedLatest(found))) {
          if (!asked.durable) await this.#options.pool.query(FLUSH);
          return found;
        }
        ended = await changes.next(Math.min(leftMs, untilDeadline(found)));
      }
      return calculationResource(ended);
    } finally {
      changes.end();
    }
  }

  async #ask(workspaceId: number, key: string, request: Request, waits: boolean): Promise<Asked> {
    const { pool, dispatcher, signals, threads } = this.#options;
    const { trigger, deadline, onLate } = request;
    const begun = waits && deadline === null ? await dispatcher.begin(workspaceId, key, request) : undefined;
    if (begun !== undefined) return { id: begun.id, requestedAt: begun.requested_at, durable: false };
    const { rows } = await (deadline === null
      ? pool.query<{ id: number; requested_at: Date }>({
          name: 'calculations-request',
          text: REQUEST,
          values: [workspaceId, key, trigger, deadline, onLate],
        })
      : requestByDeadline(pool, threads, workspaceId, key, { ...request, deadline }));
    const row = rows[0];
    if (row === undefined) throw unknownSegment(key);
    // Where a thread of this process is free the others need not look.
    if (dispatcher.mayClaim) signals.here({ kind: 'queued' });
    else signals.queued();
    return { id: row.id, requestedAt: row.requested_at, durable: true };
  }

  /** Undefined while the database is away and there is time to wait: what was asked for is not lost by that. */
  async #look(
    workspaceId: number,
    asked: Asked,
    mayWait: boolean,
  ): Promise<CalculationResource | typeof LOST | undefined> {
    try {
      const found = await this.#options.read(workspaceId, asked.id);
      return asked.durable || Date.parse(found.requestedAt) === asked.requestedAt.getTime() ? found : LOST;
    } catch (error) {
      if (mayWait && isConnectionLost(error)) return undefined;
      if (!asked.durable && error instanceof EvenkeelError && error.status === 404) return LOST;
      throw error;
    }
  }
}

const LOST = Symbol('lost');
