import { promisify } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { deflate, inflate } from 'node:zlib';
import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import type { StepSignals } from './signals.ts';
import type { StoredView } from './view.ts';

const pack = promisify(deflate);
const unpack = promisify(inflate);
/** The state is written often and read seldom: level 1 takes a third of the time of 6 for a tenth more bytes. */
const LEVEL = 1;

const LOCK_STATE = { name: 'monitor-lock-state', text: sql('monitor-lock-state') };
const COMMIT_STEP = { name: 'monitor-commit-step', text: sql('monitor-commit-step') };
const BACKLOG = { name: 'monitor-backlog', text: sql('monitor-backlog') };

/** Where judging has got to. */
export interface Position {
  readonly step: number;
  /** The stream's time, epoch milliseconds; undefined before the first step. */
  readonly at: number | undefined;
}

/** Locks the one row of the state until the transaction ends. `nowMs`: by the database's clock. */
export const lockPosition = async (db: Queryable): Promise<Position & { readonly nowMs: number }> => {
  const { rows } = await db.query<{ step: number; at: Date | null; now: Date }>({ ...LOCK_STATE, values: [] });
  const row = rows[0];
  if (row === undefined) throw new Error('monitor_state has no row: the migration 0010 makes one');
  return { step: row.step, at: row.at?.getTime(), nowMs: row.now.getTime() };
};

/** What a step took in. */
export interface StepRecord {
  readonly step: number;
  readonly at: number;
  readonly facts: {
    readonly first: number;
    readonly last: number;
    readonly oldest: number;
    readonly newest: number;
  } | null;
  readonly signals: StepSignals | null;
}

export const commitStep = async (
  db: Queryable,
  { step, at, facts, signals }: StepRecord,
  leader: string,
  view: StoredView,
): Promise<void> => {
  await db.query({
    ...COMMIT_STEP,
    values: [
      step,
      new Date(at),
      facts?.first ?? null,
      facts?.last ?? null,
      facts === null ? null : new Date(facts.oldest),
      facts === null ? null : new Date(facts.newest),
      leader,
      JSON.stringify(view),
      signals === null ? null : new Date(signals.since),
      signals?.waitingMs ?? null,
    ],
  });
};

export interface Saved {
  readonly step: number;
  readonly state: unknown;
}

/** Undefined where there is none; with a `fault` where its bytes cannot be read. */
export type Loaded = Saved | { readonly step: number; readonly fault: string } | undefined;

export const loadSaved = async (db: Queryable): Promise<Loaded> => {
  const { rows } = await db.query<{ step: number; state: Buffer }>('select step, state from monitor_saves');
  const row = rows[0];
  if (row === undefined) return undefined;
  const { step } = row;
  try {
    return { step, state: deserialize(await unpack(row.state)) };
  } catch (error) {
    return { step, fault: (error as Error).message };
  }
};

/**
 * Keeps the state that the detector had after `step`; what was needed to repeat the steps until then goes.
 *
 * @param db a transaction's client that has locked the position
 */
export const save = async (db: Queryable, { step, state }: Saved): Promise<void> => {
  const packed = await pack(serialize(state), { level: LEVEL });
  await db.query(
    `insert into monitor_saves (step, state) values ($1::bigint, $2::bytea)
     on conflict (id) do update set step = excluded.step, state = excluded.state`,
    [step, packed],
  );
  await db.query('delete from monitor_steps where step <= $1::bigint', [step]);
};

/** The steps after `step`, in order. */
export const stepsAfter = async (db: Queryable, step: number): Promise<StepRecord[]> => {
  const { rows } = await db.query<{
    step: number;
    at: Date;
    first_fact_id: number | null;
    last_fact_id: number | null;
    oldest: Date | null;
    newest: Date | null;
    signals_since: Date | null;
    waiting_ms: number | null;
  }>('select * from monitor_steps where step > $1::bigint order by step', [step]);
  return rows.map((row) => ({
    step: row.step,
    at: row.at.getTime(),
    facts:
      row.first_fact_id === null || row.last_fact_id === null || row.oldest === null || row.newest === null
        ? null
        : {
            first: row.first_fact_id,
            last: row.last_fact_id,
            oldest: row.oldest.getTime(),
            newest: row.newest.getTime(),
          },
    signals:
      row.signals_since === null
        ? null
        : {
            since: row.signals_since.getTime(),
            waitingMs: row.waiting_ms === null ? null : Math.fround(row.waiting_ms),
          },
  }));
};

/** What the leader showed after its last step; undefined where there has been none. */
export const readView = async (db: Queryable): Promise<StoredView | undefined> => {
  const { rows } = await db.query<{ view: StoredView | null }>('select view from monitor_state');
  return rows[0]?.view ?? undefined;
};

/** What has ended and is not among the facts, and since when the oldest has waited, by the database's clock. */
export const readBacklog = async (db: Queryable): Promise<{ readonly waiting: number; readonly oldestMs: number }> => {
  const { rows } = await db.query<{ waiting: number; oldest: number | null }>({ ...BACKLOG, values: [] });
  return { waiting: rows[0]?.waiting ?? 0, oldestMs: rows[0]?.oldest ?? 0 };
};
