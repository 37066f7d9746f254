import { setTimeout as sleep } from 'node:timers/promises';
import { EvenkeelError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import { FEED_BATCH, FEED_POLL_MS, MAX_STREAMS } from './limits.ts';
import { type EventRow, eventSeenBy, seenBy, type Viewer, workspaceOf } from './read.ts';
import type { AlertEventResource, AlertResource } from './resources.ts';
import { type AlertRow, storedOf } from './stored.ts';

const FEED = sql('alerts-feed');

/** An event as a stream tells it: with the alert as it was then. */
export interface StreamedEvent extends AlertEventResource {
  readonly alert: AlertResource;
}

type FeedRow = EventRow & Omit<AlertRow, 'alert' | 'recorded_at'>;

/** Those of one look that concern the viewer. */
interface Page {
  readonly events: readonly StreamedEvent[];
  /** The last event that was gone through, where there may be more. */
  readonly readTo?: number;
}

interface FeedOptions {
  readonly db: Queryable;
  readonly log: Log;
  readonly publicUrl: string;
  readonly pollMs?: number;
}

/** What happens to alerts, as it happens. However many follow it, the database is asked once a second whether there is anything new. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #stopping = new AbortController();
  #streams = 0;
  #head = 0;
  #isLooking = false;
  readonly #waiting = new Set<() => void>();

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** Ends all streams. */
  stop(): void {
    this.#stopping.abort();
  }

  /** The number of the newest event; 0 where there is none. */
  async latest(): Promise<number> {
    const { rows } = await this.#options.db.query<{ id: number | null }>('select max(id) as id from alert_events');
    return rows[0]?.id ?? 0;
  }

  /** Throws 503 where as many follow already as one process serves. */
  checkRoom(): void {
    if (this.#streams >= MAX_STREAMS)
      throw new EvenkeelError(503, 'too_many_streams', `${MAX_STREAMS} streams of alerts are open already`, {
        hint: 'close some, or ask GET /v1/alerts now and then',
      });
  }

  /** Events after `afterId` that concern the viewer, until the signal or the end of the service. Goes on while the database is away. */
  async *watch(viewer: Viewer, afterId: number, signal: AbortSignal): AsyncGenerator<StreamedEvent> {
    const ends = AbortSignal.any([signal, this.#stopping.signal]);
    this.#streams += 1;
    let seen = afterId;
    try {
      while (!ends.aborted) {
        const head = this.#head;
        const page = head > seen ? await this.#readUnlessAway(viewer, seen) : { events: [] };
        for (const event of page?.events ?? []) {
          yield event;
          seen = event.id;
        }
        // What does not concern the viewer need not be gone through again.
        if (page !== undefined) seen = Math.max(seen, page.readTo ?? head);
        if (page?.readTo === undefined) await this.#next(ends);
      }
    } finally {
      this.#streams -= 1;
    }
  }

  /** Undefined where the database does not answer: then later. */
  async #readUnlessAway(viewer: Viewer, afterId: number): Promise<Page | undefined> {
    try {
      return await this.#read(viewer, afterId);
    } catch (error) {
      this.#options.log.debug({ reason: (error as Error).message }, 'cannot read events of alerts');
      return undefined;
    }
  }

  async #read(viewer: Viewer, afterId: number): Promise<Page> {
    const { db, publicUrl } = this.#options;
    const { rows } = await db.query<FeedRow>(FEED, [afterId, workspaceOf(viewer), FEED_BATCH]);
    const events = rows.flatMap((row) => {
      const alert = seenBy(viewer, storedOf({ ...row, alert: row.then_alert }), publicUrl);
      return alert === undefined ? [] : [{ ...eventSeenBy(viewer, row), alert }];
    });
    const last = rows.at(-1);
    return last === undefined || rows.length < FEED_BATCH ? { events } : { events, readTo: last.id };
  }

  /** Until somebody has looked again, or the signal. One looks for all who wait. */
  #next(ends: AbortSignal): Promise<void> {
    if (!this.#isLooking) void this.#look();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        ends.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      ends.addEventListener('abort', done);
      if (ends.aborted) done();
    });
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    const { log, pollMs = FEED_POLL_MS } = this.#options;
    await sleep(pollMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    try {
      if (!this.#stopping.signal.aborted) this.#head = await this.latest();
    } catch (error) {
      log.debug({ reason: (error as Error).message }, 'cannot look for events of alerts');
    }
    this.#isLooking = false;
    for (const done of this.#waiting) done();
  }
}
