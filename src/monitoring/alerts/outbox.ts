import type pg from 'pg';
import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import { transaction } from '../../database/transaction.ts';
import { decide, type Due, type Verdict, type Waiting } from './decide.ts';
import { GIVE_UP_MS, MAX_RESENT, MAX_SILENCES, RESEND_MS, SEND_LEASE_MS } from './limits.ts';
import { type SilenceRow, silenceOf } from './silences.ts';
import { type Silence, silencesOf } from './silencing.ts';
import { type AlertRow, type StoredAlert, storedOf, subjectOf } from './stored.ts';

const ANNOUNCE = sql('alerts-announce');
const ANYTHING_DUE = sql('alerts-anything-due');
const LOCK_CHANNEL = sql('alerts-lock-channel');
const DUE = sql('alerts-due');
const SILENCES = sql('alerts-silences');
const TAKE = sql('alerts-take');
const SETTLE = sql('alerts-settle');
const POSTPONE = sql('alerts-postpone');
const TAKE_RESEND = sql('alerts-take-resend');
const OPEN = sql('alerts-open');

/** What a process has taken to send: nobody else sends it before its lease ends. */
export interface Taken extends Due {
  /** Of this process' own clock, which does not jump. */
  readonly takenAtMs: number;
}

export interface Handed {
  readonly taken: readonly Taken[];
  readonly givenUp: readonly Due[];
}

interface DueRow extends AlertRow {
  readonly now_ms: number;
  readonly told: boolean;
  readonly waiting: readonly Waiting[];
}

const nothing: Handed = { taken: [], givenUp: [] };
const idsOf = ({ waiting }: Due): number[] => waiting.map(({ id }) => id);
const newestOf = ({ waiting }: Due): Waiting => waiting.at(-1) as Waiting;

const currentSilences = async (db: Queryable): Promise<Silence[]> => {
  const { rows } = await db.query<SilenceRow>(SILENCES, [GIVE_UP_MS, MAX_SILENCES]);
  return rows.map(silenceOf);
};

/**
 * What is to be sent to whom. All of it is in the database, and each step is a transaction of its own: whoever dies between two leaves
 * what another can go on with.
 */
export class Outbox {
  readonly #pool: pg.Pool;
  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async isAnythingDue(channel: string): Promise<boolean> {
    const { rows } = await this.#pool.query<{ due: boolean }>({
      name: 'alerts-anything-due',
      text: ANYTHING_DUE,
      values: [channel],
    });
    return rows[0]?.due === true;
  }

  /** Writes what the channels have to be told. */
  async announce(channels: readonly string[]): Promise<void> {
    await this.#pool.query(ANNOUNCE, [channels]);
  }

  /** Decides of at most `limit` alerts, and takes what is to be sent now. */
  hand(channel: string, limit: number): Promise<Handed> {
    return transaction(this.#pool, async (client) => {
      if (!(await isOurs(client, channel))) return nothing;
      const { rows } = await client.query<DueRow>(DUE, [channel, limit]);
      if (rows.length === 0) return nothing;
      const silences = await currentSilences(client);
      const decided = rows.map((row) => {
        const due = { channel, stored: storedOf(row), waiting: row.waiting, told: row.told };
        return { due, nowMs: row.now_ms, verdict: decide(due, silences, row.now_ms) };
      });
      for (const { due, verdict, nowMs } of decided) await apply(client, due, verdict, nowMs);
      const takenAtMs = performance.now();
      return {
        taken: decided.filter(({ verdict }) => verdict.what === 'send').map(({ due }) => ({ ...due, takenAtMs })),
        givenUp: decided
          .filter(({ verdict }) => verdict.what === 'drop' && verdict.as === 'given_up')
          .map(({ due }) => due),
      };
    });
  }

  async delivered(due: Due): Promise<void> {
    await this.#pool.query(SETTLE, [idsOf(due), 'delivered', newestOf(due).id]);
  }

  async failed(due: Due, error: string, againInMs: number): Promise<void> {
    await this.#pool.query(POSTPONE, [idsOf(due), againInMs, error]);
  }

  /** Open alerts that a channel is to be told of again, where that is due. Until `resent` nothing else is sent there. */
  takeResend(channel: string): Promise<StoredAlert[] | undefined> {
    return transaction(this.#pool, async (client) => {
      if (!(await isOurs(client, channel))) return undefined;
      const taken = await client.query<{ now_ms: number }>(TAKE_RESEND, [channel, SEND_LEASE_MS, RESEND_MS]);
      const nowMs = taken.rows[0]?.now_ms;
      if (nowMs === undefined) return undefined;
      const silences = await currentSilences(client);
      const { rows } = await client.query<AlertRow>(OPEN, [channel, MAX_RESENT]);
      return rows.map(storedOf).filter((stored) => silencesOf(silences, subjectOf(stored), nowMs).length === 0);
    });
  }

  async resent(channel: string): Promise<void> {
    await this.#pool.query('update alert_channels set leased_until = null where channel = $1::text', [channel]);
  }

  /** Makes a channel one to which open alerts are said again. */
  async registerResend(channel: string): Promise<void> {
    await this.#pool.query('insert into alert_channels (channel) values ($1::text) on conflict do nothing', [channel]);
  }
}

/** Whoever comes second finds what the first has taken when it looks again. */
const isOurs = async (client: Queryable, channel: string): Promise<boolean> => {
  const { rows } = await client.query<{ locked: boolean }>(LOCK_CHANNEL, [channel]);
  return rows[0]?.locked === true;
};

const apply = async (client: Queryable, due: Due, verdict: Verdict, nowMs: number): Promise<void> => {
  switch (verdict.what) {
    case 'send':
      await client.query(TAKE, [idsOf(due), SEND_LEASE_MS]);
      return;
    case 'hold':
      await client.query(POSTPONE, [idsOf(due), verdict.untilMs - nowMs, null]);
      return;
    case 'drop':
      await client.query(SETTLE, [idsOf(due), verdict.as, newestOf(due).id]);
  }
};
