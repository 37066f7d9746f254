import type pg from 'pg';
import { conflict, notFound } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { sql } from '../../database/sql.ts';
import { transaction } from '../../database/transaction.ts';
import { type Channel, type ChannelName, type ChannelSettings, channelsOf } from './channels.ts';
import { Feed, type StreamedEvent } from './feed.ts';
import { HOUSEKEEPING_MS, MAX_SILENCE_MS, RETENTION_MS } from './limits.ts';
import { type AlertsQuery, getAlert, listAlerts, type Viewer } from './read.ts';
import { lockEvents } from './record.ts';
import type { AlertDetails, AlertResource } from './resources.ts';
import { Sender, type SendOutcome } from './sender.ts';
import { createSilence, endSilence, listSilences, type NewSilence, type SilenceResource } from './silences.ts';
import { testNotice, testOver } from './test-notice.ts';

const ACKNOWLEDGE = sql('alerts-acknowledge');
const HOUSEKEEPING = sql('alerts-housekeeping');

export interface AlertsOptions {
  readonly pool: pg.Pool;
  readonly log: Log;
  readonly settings: ChannelSettings;
  /** By default those that the settings name. */
  readonly channels?: readonly Channel[];
  /** How often it looks for what is to be sent, and for what is new. */
  readonly pollMs?: number;
  readonly onSent?: (channel: string, outcome: SendOutcome) => void;
}

/** What came back from one channel. */
export interface TestedChannel {
  readonly channel: ChannelName;
  /** Where it goes, without anything secret. */
  readonly target: string;
  readonly ok: boolean;
  readonly status: number | null;
  readonly durationMs: number;
  readonly error: string | null;
}

/** Alerts as people and programs meet them: read, acknowledged, silenced, followed, and sent on. */
export class Alerts {
  readonly #options: AlertsOptions;
  readonly #channels: readonly Channel[];
  readonly #sender: Sender;
  readonly #feed: Feed;
  #timer: NodeJS.Timeout | undefined;
  #tidying: Promise<void> | undefined;

  constructor(options: AlertsOptions) {
    const { pool, log, settings, pollMs, onSent } = options;
    this.#options = options;
    this.#channels = options.channels ?? channelsOf(settings, log);
    const poll = pollMs === undefined ? {} : { pollMs };
    this.#sender = new Sender({ pool, log, channels: this.#channels, ...poll, ...(onSent && { onSent }) });
    this.#feed = new Feed({ db: pool, log, publicUrl: settings.publicUrl, ...poll });
  }

  start(): void {
    this.#sender.start();
    this.#timer = setInterval(() => {
      this.#tidying ??= this.#tidy().finally(() => {
        this.#tidying = undefined;
      });
    }, HOUSEKEEPING_MS);
  }

  /** Ends the streams, so that whoever serves them can stop. */
  endStreams(): void {
    this.#feed.stop();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.endStreams();
    await this.#sender.stop();
    await this.#tidying;
  }

  list(viewer: Viewer, query: AlertsQuery): Promise<{ alerts: AlertResource[]; nextCursor: string | null }> {
    return listAlerts(this.#options.pool, viewer, query, this.#options.settings.publicUrl);
  }

  get(viewer: Viewer, id: string): Promise<AlertDetails> {
    return getAlert(this.#options.pool, viewer, id, this.#options.settings.publicUrl);
  }

  /**
   * Says that somebody knows: from then on only what is worse than now is told, and that it is over. Throws 404, and 409 where it is
   * over already.
   */
  async acknowledge(id: string, by: string, note: string | null): Promise<AlertDetails> {
    const { rowCount } = await transaction(this.#options.pool, async (client) => {
      await lockEvents(client);
      return client.query(ACKNOWLEDGE, [id, by, note]);
    });
    const alert = await this.get('operator', id);
    if (rowCount === 0) {
      if (alert.state === 'resolved') throw conflict(`alert "${id}" is over already`);
      throw notFound(`alert "${id}"`);
    }
    return alert;
  }

  silence(silence: NewSilence, by: string): Promise<SilenceResource> {
    return createSilence(this.#options.pool, silence, by);
  }

  silences(all: boolean): Promise<SilenceResource[]> {
    return listSilences(this.#options.pool, all);
  }

  endSilence(id: string): Promise<SilenceResource> {
    return endSilence(this.#options.pool, id);
  }

  /** Sends a test through each channel, once, and says what came back. Nothing of it is stored, and it stays open nowhere. */
  test(): Promise<TestedChannel[]> {
    return Promise.all(
      this.#channels.map(async (channel) => {
        const began = performance.now();
        const notice = testNotice(Date.now());
        const opened = await channel.send(notice);
        // Where it does not end by itself, and can.
        const ends = opened.ok && channel.name === 'webhook';
        const { ok, status, error } = ends ? await channel.send(testOver(notice, Date.now())) : opened;
        const durationMs = Math.round((performance.now() - began) * 10) / 10;
        return { channel: channel.name, target: channel.target, ok, status, durationMs, error };
      }),
    );
  }

  /** The number of the newest event, to begin a stream with. Throws 503 where there are too many streams. */
  async beginStream(): Promise<number> {
    this.#feed.checkRoom();
    return this.#feed.latest();
  }

  watch(viewer: Viewer, afterId: number, signal: AbortSignal): AsyncGenerator<StreamedEvent> {
    return this.#feed.watch(viewer, afterId, signal);
  }

  async #tidy(): Promise<void> {
    const { pool, log } = this.#options;
    const names = this.#channels.map(({ name }) => name);
    await pool.query(HOUSEKEEPING, [RETENTION_MS, MAX_SILENCE_MS, names]).catch((error: Error) => {
      log.debug({ reason: error.message }, 'old alerts could not be removed');
    });
  }
}
