import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Log } from '../../core/log.ts';
import type { Channel, Sent } from './channels.ts';
import type { Due } from './decide.ts';
import {
  MARK_ATTEMPTS_STOPPING,
  MARK_RETRY_MS,
  MAX_SENDING,
  MAX_TAKEN_MS,
  RESEND_BATCH,
  RETRY_FIRST_MS,
  RETRY_LAST_MS,
  SENDER_POLL_MS,
} from './limits.ts';
import { Outbox, type Taken } from './outbox.ts';
import { noticeKey } from './payload.ts';

export type SendOutcome = 'delivered' | 'failed' | 'given_up';

export interface SenderOptions {
  readonly pool: pg.Pool;
  readonly channels: readonly Channel[];
  readonly log: Log;
  readonly pollMs?: number;
  /** After each attempt, for metrics. */
  readonly onSent?: (channel: string, outcome: SendOutcome) => void;
}

/** Doubles from attempt to attempt, give or take half, so that many do not come back at the same moment; not before the receiver asked. */
export const backOffMs = (attempts: number, retryAfterMs: number | null, random = Math.random): number => {
  const doubled = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.min(attempts, 30));
  return Math.max(retryAfterMs ?? 0, doubled * (0.5 + random()));
};

/** What was taken is given back also where a channel has a fault of its own. */
const sentBy = async (send: () => Promise<Sent>): Promise<Sent> => {
  try {
    return await send();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, status: null, error: `unexpected: ${reason}`, retryAfterMs: null };
  }
};

const attemptsOf = ({ waiting }: Due): number => Math.max(...waiting.map(({ attempts }) => attempts));

/**
 * Tells the channels what they have to be told. Each has a loop of its own, so that one that does not answer holds up no other. Any number
 * of processes may run one: what one has taken the others leave alone.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #outbox: Outbox;
  readonly #stopping = new AbortController();
  /** Channels that could not be told again last time, and that this was said of. */
  readonly #failing = new Set<string>();
  #loops: Promise<void>[] = [];

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.pool);
  }

  start(): void {
    this.#loops = this.#options.channels.map((channel) => this.#loop(channel));
  }

  /** Lets what is being sent end, which takes no longer than its timeout. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#loops);
  }

  async #loop(channel: Channel): Promise<void> {
    const { log, pollMs = SENDER_POLL_MS } = this.#options;
    let registered = channel.resend === undefined;
    while (!this.#stopping.signal.aborted) {
      let busy = false;
      try {
        if (!registered) {
          await this.#outbox.registerResend(channel.name);
          registered = true;
        }
        busy = await this.#once(channel);
      } catch (error) {
        log.debug({ reason: (error as Error).message, channel: channel.name }, 'cannot look for alerts to send');
      }
      if (!busy) await sleep(pollMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  /** True where there may be more to do at once. */
  async #once(channel: Channel): Promise<boolean> {
    if (!(await this.#outbox.isAnythingDue(channel.name))) return false;
    await this.#outbox.announce(this.#options.channels.map(({ name }) => name));
    const { taken, givenUp } = await this.#outbox.hand(channel.name, MAX_SENDING);
    for (const due of givenUp) this.#giveUp(channel, due);
    await Promise.all(taken.map((each) => this.#send(channel, each)));
    await this.#resend(channel);
    return taken.length > 0;
  }

  async #send(channel: Channel, due: Taken): Promise<void> {
    const { log, onSent } = this.#options;
    // A process that was stopped in between must not send what another may have sent meanwhile.
    if (performance.now() - due.takenAtMs > MAX_TAKEN_MS) return;
    const newest = due.waiting.at(-1);
    if (newest === undefined) return;
    const { stored } = due;
    const notice = { type: newest.type, stored, key: noticeKey(stored, newest.eventId) };
    const sent = await sentBy(() => channel.send(notice));
    onSent?.(channel.name, sent.ok ? 'delivered' : 'failed');
    if (sent.ok) return this.#mark(() => this.#outbox.delivered(due));
    const attempts = attemptsOf(due);
    const fields = {
      channel: channel.name,
      target: channel.target,
      alert: stored.alert.id,
      attempts: attempts + 1,
      reason: sent.error,
    };
    if (attempts === 0) log.warn(fields, 'an alert could not be sent; it is tried again for a day');
    else log.debug(fields, 'an alert could not be sent again');
    await this.#mark(() => this.#outbox.failed(due, sent.error ?? 'unknown', backOffMs(attempts, sent.retryAfterMs)));
  }

  /** What was sent and is not marked is sent again, so the mark is tried until the database takes it. */
  async #mark(mark: () => Promise<void>): Promise<void> {
    for (let whileStopping = 0; whileStopping < MARK_ATTEMPTS_STOPPING; ) {
      try {
        return await mark();
      } catch (error) {
        this.#options.log.debug(
          { reason: (error as Error).message },
          'cannot note that an alert was sent; trying again',
        );
        if (this.#stopping.signal.aborted) whileStopping += 1;
        await sleep(MARK_RETRY_MS);
      }
    }
  }

  #giveUp(channel: Channel, { stored, waiting }: Due): void {
    this.#options.onSent?.(channel.name, 'given_up');
    this.#options.log.error(
      { channel: channel.name, target: channel.target, alert: stored.alert.id, attempts: waiting.at(-1)?.attempts },
      'an alert could not be sent for a day and is given up: mend the receiver, then "evenkeel alerts test"',
    );
  }

  async #resend(channel: Channel): Promise<void> {
    const { name, target } = channel;
    const resend = channel.resend?.bind(channel);
    if (resend === undefined) return;
    const open = await this.#outbox.takeResend(name);
    if (open === undefined) return;
    const takenAtMs = performance.now();
    let sent: Sent | undefined;
    for (let at = 0; at < open.length && sent?.ok !== false; at += RESEND_BATCH) {
      if (this.#stopping.signal.aborted || performance.now() - takenAtMs > MAX_TAKEN_MS) break;
      sent = await sentBy(() => resend(open.slice(at, at + RESEND_BATCH)));
    }
    const failing = sent?.ok === false;
    if (failing && !this.#failing.has(name))
      this.#options.log.warn({ channel: name, target, reason: sent?.error }, 'open alerts could not be said again');
    if (failing) this.#failing.add(name);
    else if (sent !== undefined) this.#failing.delete(name);
    await this.#mark(() => this.#outbox.resent(name));
  }
}
