import type pg from 'pg';
import { EvenkeelError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { isConnectionLost, isSerializationFailure } from '../../database/errors.ts';
import { sql } from '../../database/sql.ts';
import { loadDefinitions } from '../definitions.ts';
import { DUE_BATCH, SCHEDULE_POLL_MS } from '../limits.ts';
import type { Problem } from '../resources.ts';
import type { Signals } from '../signals.ts';
import { type Look, lookAt } from './look.ts';
import { sourcesFirst } from './order.ts';
import { failureDelayMs } from './times.ts';

const DUE = sql('schedule-due');
const FAIL = sql('schedule-fail');
const ENDED = sql('schedule-ended');
const SETTLE = sql('schedule-settle');

/** What became of a segment that was due: `failed` where the look itself did. */
export type ScheduleOutcome = Exclude<Look, 'taken'> | 'failed';

export interface SchedulerOptions {
  /** May commit without waiting for the disk: what a crash loses of asking it loses of the next time too. */
  readonly pool: pg.Pool;
  readonly signals: Signals;
  readonly log: Log;
  readonly onSchedule?: (outcome: ScheduleOutcome) => void;
  /** How often it looks; by default SCHEDULE_POLL_MS. */
  readonly pollMs?: number;
}

interface DueSegment {
  readonly id: number;
  readonly workspace_id: number;
  readonly key: string;
  readonly failures: number;
  readonly refresh_ms: number | null;
}

interface Ended {
  readonly id: number;
  readonly asked_id: number;
  readonly failures: number;
  readonly refresh_ms: number;
  readonly state: 'succeeded' | 'failed' | 'cancelled';
  readonly error: Problem | null;
  readonly finished_at: Date;
}

/**
 * Asks for the calculations of segments that refresh by themselves. Every process has one; a segment is looked at by whoever comes
 * first. All it knows is in the database, so a restart forgets nothing.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #running = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = true;
    this.#timer = setInterval(() => this.poke(), this.#options.pollMs ?? SCHEDULE_POLL_MS);
    this.poke();
  }

  async stop(): Promise<void> {
    this.#running = false;
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Something may be due. */
  poke(): void {
    if (!this.#running) return;
    this.#looking ??= this.#look()
      .catch((error: Error) => this.#options.log.debug({ reason: error.message }, 'a look at the schedule failed'))
      .finally(() => {
        this.#looking = undefined;
      });
  }

  async #look(): Promise<void> {
    await this.#settle();
    const { rows } = await this.#options.pool.query<DueSegment>(DUE, [DUE_BATCH]);
    for (const workspaceId of new Set(rows.map((row) => row.workspace_id)))
      await this.#lookAtAll(
        workspaceId,
        rows.filter((row) => row.workspace_id === workspaceId),
      );
  }

  async #lookAtAll(workspaceId: number, due: readonly DueSegment[]): Promise<void> {
    const { pool, signals, onSchedule } = this.#options;
    const keys = due.map(({ key }) => key);
    let asked = 0;
    for (const segment of sourcesFirst(due, await loadDefinitions(pool, workspaceId, keys))) {
      if (!this.#running) break;
      const outcome = await this.#lookAtOne(segment);
      if (outcome === 'taken') continue;
      if (outcome === 'asked') asked += 1;
      onSchedule?.(outcome);
    }
    if (asked > 0) signals.queued();
  }

  /** One that fails rests for a while, and keeps nobody else from being looked at. */
  async #lookAtOne(segment: DueSegment): Promise<ScheduleOutcome | 'taken'> {
    const { pool, log } = this.#options;
    try {
      return await lookAt(pool, segment.id);
    } catch (error) {
      // Somebody changes it at this moment: the next look finds it as it is then.
      if (isSerializationFailure(error)) return 'taken';
      if (isConnectionLost(error)) throw error;
      const problem = problemOf(error);
      const again = new Date(Date.now() + failureDelayMs(segment.failures + 1, segment.refresh_ms ?? 0));
      const { rows } = await pool.query<{ failures: number }>(FAIL, [segment.id, problem, again]);
      if (rows.length === 0) return 'taken';
      log.warn(
        { workspace: segment.workspace_id, segment: segment.key, ...problem },
        'a segment could not be scheduled',
      );
      return 'failed';
    }
  }

  /** What was asked for and has ended: a failure brings the next try forward, or puts it off, and shows in the segment. */
  async #settle(): Promise<void> {
    const { pool } = this.#options;
    const { rows } = await pool.query<Ended>(ENDED, [DUE_BATCH]);
    for (const { id, asked_id, state, error, failures, refresh_ms, finished_at } of rows) {
      const failed = state === 'failed';
      const now = failed ? failures + 1 : state === 'succeeded' ? 0 : failures;
      const at = finished_at.toISOString();
      await pool.query(SETTLE, [
        id,
        asked_id,
        now,
        failed ? { ...error, at } : null,
        failed ? new Date(finished_at.getTime() + failureDelayMs(now, refresh_ms)) : null,
      ]);
    }
  }
}

const problemOf = (error: unknown): Problem =>
  error instanceof EvenkeelError
    ? { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) }
    : { code: 'internal', message: error instanceof Error ? error.message : String(error) };
