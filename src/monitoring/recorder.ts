import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import type { Observation, ObservedOutcome } from './types.ts';

/**
 * Facts are taken from the `calculations` table, where every calculation stands anyway: nothing is added to the way of a calculation,
 * and none is lost with a process or a connection. Decision 0034.
 */

const named = (name: string) => ({ name, text: sql(name) });
const ENDED = named('monitor-ended');
const RECORDED = named('monitor-recorded');
const DEFINITIONS = named('monitor-definitions');
const INSERT = named('monitor-insert-facts');
const FACTS = named('monitor-facts');
const FACTS_FROM = named('monitor-facts-from');

/** The kind of those that refer to other segments. */
const REFERRING = 'segment';

export interface Fact {
  /** Epoch milliseconds, by the database's clock. */
  readonly finishedAt: number;
  readonly calculationId: number;
  readonly workspaceId: number;
  readonly workspace: string;
  readonly segment: string;
  readonly segmentVersion: number | null;
  /** The newest of the segment's own and all that it refers to; null: it is not the present one any more. */
  readonly definition: number | null;
  readonly kinds: readonly string[];
  readonly trigger: string;
  readonly outcome: ObservedOutcome;
  readonly errorCode: string | null;
  readonly attempts: number;
  readonly late: boolean;
  readonly population: number | null;
  readonly members: number | null;
  readonly queueMs: number | null;
  readonly freshenMs: number | null;
  readonly compileMs: number | null;
  readonly queryMs: number | null;
  readonly storeMs: number | null;
  /** From claim to commit; of a timeout at least its limit. */
  readonly durationMs: number;
}

/** A row of `calculations`. */
export interface EndedRow {
  readonly id: number;
  readonly workspace_id: number;
  readonly workspace: string;
  readonly segment_id: number | null;
  readonly segment_key: string;
  readonly segment_version: number | null;
  readonly definition: number | null;
  readonly condition_kinds: readonly string[] | null;
  readonly trigger: string;
  readonly state: 'succeeded' | 'failed' | 'cancelled';
  readonly error_code: string | null;
  readonly attempts: number;
  readonly late: boolean;
  readonly population: number | null;
  readonly members: number | null;
  readonly queue_ms: number | null;
  readonly freshen_ms: number | null;
  readonly compile_ms: number | null;
  readonly query_ms: number | null;
  readonly store_ms: number | null;
  readonly total_ms: number | null;
  readonly started_at: Date | null;
  readonly finished_at: Date;
}

const outcomeOf = ({ state, error_code }: Pick<EndedRow, 'state' | 'error_code'>): ObservedOutcome =>
  state === 'failed' && error_code === 'timeout' ? 'timeout' : state;

/** As `real` keeps it: a fact that is read again is the same to the last bit. */
const real = (value: number): number => Math.fround(value);
const realOrNull = (value: number | null): number | null => (value === null ? null : real(value));

/** The measured times belong to success; all others took from their last start to their end, as far as they had started. */
const durationOf = (row: EndedRow, outcome: ObservedOutcome, timeoutMs: number): number => {
  if (outcome === 'succeeded' && row.total_ms !== null) return Math.max(0, row.total_ms - (row.queue_ms ?? 0));
  const ms = row.started_at === null ? 0 : Math.max(0, row.finished_at.getTime() - row.started_at.getTime());
  return outcome === 'timeout' ? Math.max(ms, timeoutMs) : ms;
};

/** @param timeoutMs what a calculation that timed out took at least */
export const factOf = (row: EndedRow, timeoutMs: number): Fact => {
  const outcome = outcomeOf(row);
  return {
    finishedAt: row.finished_at.getTime(),
    calculationId: row.id,
    workspaceId: row.workspace_id,
    workspace: row.workspace,
    segment: row.segment_key,
    segmentVersion: row.segment_version,
    definition: row.definition,
    kinds: row.condition_kinds ?? [],
    trigger: row.trigger,
    outcome,
    errorCode: row.error_code,
    attempts: row.attempts,
    late: row.late,
    population: row.population,
    members: row.members,
    queueMs: realOrNull(row.queue_ms),
    freshenMs: realOrNull(row.freshen_ms),
    compileMs: realOrNull(row.compile_ms),
    queryMs: realOrNull(row.query_ms),
    storeMs: realOrNull(row.store_ms),
    durationMs: real(durationOf(row, outcome, timeoutMs)),
  };
};

/** What the detector sees of a fact; undefined where it says nothing of the present definition. */
export const observationOf = (fact: Fact): Observation | undefined =>
  fact.definition === null
    ? undefined
    : {
        finishedAt: fact.finishedAt,
        workspace: fact.workspace,
        segment: fact.segment,
        version: fact.definition,
        trigger: fact.trigger,
        kinds: fact.kinds,
        population: fact.population ?? 0,
        durationMs: fact.durationMs,
        outcome: fact.outcome,
      };

/** By segment: the newest of its own definition and those of all that it refers to. Remembered while no condition changes anywhere. */
export class Definitions {
  readonly #known = new Map<number, number>();
  #asOf = -1;

  /** Gives the rows with `definition` of everything that they refer to. */
  async complete(db: Queryable, rows: readonly EndedRow[]): Promise<readonly EndedRow[]> {
    const referring = (row: EndedRow): row is EndedRow & { segment_id: number } =>
      row.definition !== null && row.segment_id !== null && (row.condition_kinds ?? []).includes(REFERRING);
    const ids = new Set(rows.filter(referring).map((row) => row.segment_id));
    if (ids.size === 0) return rows;
    const { rows: last } = await db.query<{ last: number }>(
      `select coalesce(pg_sequence_last_value('segment_definitions'), 0) as last`,
    );
    const asOf = last[0]?.last ?? 0;
    if (asOf !== this.#asOf) this.#known.clear();
    this.#asOf = asOf;
    const unknown = [...ids].filter((id) => !this.#known.has(id));
    if (unknown.length > 0) {
      const found = await db.query<{ id: number; definition: number }>({ ...DEFINITIONS, values: [unknown] });
      for (const { id, definition } of found.rows) this.#known.set(id, definition);
    }
    return rows.map((row) =>
      referring(row) ? { ...row, definition: this.#known.get(row.segment_id) ?? row.definition } : row,
    );
  }
}

/**
 * Locks calculations that have ended and are not among the facts, oldest first.
 *
 * @param db a transaction's client
 */
export const takeEnded = async (db: Queryable, limit: number, graceMs: number): Promise<readonly EndedRow[]> =>
  (await db.query<EndedRow>({ ...ENDED, values: [limit, graceMs] })).rows;

/** Notes that calculations are among the facts. */
export const markRecorded = async (db: Queryable, ids: readonly number[]): Promise<void> => {
  if (ids.length > 0) await db.query({ ...RECORDED, values: [ids] });
};

export interface JudgedFact extends Fact {
  /** ln of × normal, or NaN where there is none. */
  readonly residual: number;
}

/** Writes facts; gives the first and the last of their ids, which grow in the order of `facts`. */
export const insertFacts = async (
  db: Queryable,
  facts: readonly JudgedFact[],
): Promise<{ readonly first: number; readonly last: number }> => {
  const column = <T>(of: (fact: JudgedFact) => T): T[] => facts.map(of);
  const { rows } = await db.query<{ first: number | null; last: number | null }>({
    ...INSERT,
    values: [
      column((fact) => new Date(fact.finishedAt)),
      column((fact) => fact.calculationId),
      column((fact) => fact.workspaceId),
      column((fact) => fact.segment),
      column((fact) => fact.segmentVersion),
      column((fact) => fact.definition),
      column((fact) => fact.kinds.join('|')),
      column((fact) => fact.trigger),
      column((fact) => fact.outcome),
      column((fact) => fact.errorCode),
      column((fact) => fact.attempts),
      column((fact) => fact.late),
      column((fact) => fact.population),
      column((fact) => fact.members),
      column((fact) => fact.queueMs),
      column((fact) => fact.freshenMs),
      column((fact) => fact.compileMs),
      column((fact) => fact.queryMs),
      column((fact) => fact.storeMs),
      column((fact) => fact.durationMs),
      column((fact) => (Number.isNaN(fact.residual) ? null : fact.residual)),
    ],
  });
  const { first = null, last = null } = rows[0] ?? {};
  if (first === null || last === null) throw new Error('facts were not written');
  return { first, last };
};

interface FactRow {
  readonly id: number;
  readonly finished_at: Date;
  readonly calculation_id: number;
  readonly workspace_id: number;
  readonly workspace: string;
  readonly segment_key: string;
  readonly segment_version: number | null;
  readonly definition: number | null;
  readonly kinds: readonly string[];
  readonly trigger: string;
  readonly outcome: ObservedOutcome;
  readonly error_code: string | null;
  readonly attempts: number;
  readonly late: boolean;
  readonly population: number | null;
  readonly members: number | null;
  readonly queue_ms: number | null;
  readonly freshen_ms: number | null;
  readonly compile_ms: number | null;
  readonly query_ms: number | null;
  readonly store_ms: number | null;
  readonly duration_ms: number;
  readonly residual: number | null;
}

const storedFact = (row: FactRow): JudgedFact => ({
  finishedAt: row.finished_at.getTime(),
  calculationId: row.calculation_id,
  workspaceId: row.workspace_id,
  workspace: row.workspace,
  segment: row.segment_key,
  segmentVersion: row.segment_version,
  definition: row.definition,
  kinds: row.kinds,
  trigger: row.trigger,
  outcome: row.outcome,
  errorCode: row.error_code,
  attempts: row.attempts,
  late: row.late,
  population: row.population,
  members: row.members,
  queueMs: realOrNull(row.queue_ms),
  freshenMs: realOrNull(row.freshen_ms),
  compileMs: realOrNull(row.compile_ms),
  queryMs: realOrNull(row.query_ms),
  storeMs: realOrNull(row.store_ms),
  durationMs: real(row.duration_ms),
  residual: row.residual ?? Number.NaN,
});

/** Facts by their ids, both inside, in the order in which they were judged. `oldest` and `newest` bound their times, both inside. */
export const readFacts = async (
  db: Queryable,
  ids: { readonly first: number; readonly last: number },
  times: { readonly oldest: Date; readonly newest: Date },
): Promise<JudgedFact[]> => {
  const { rows } = await db.query<FactRow>({ ...FACTS, values: [ids.first, ids.last, times.oldest, times.newest] });
  return rows.map(storedFact);
};

export interface FactPlace {
  readonly finishedAt: Date;
  readonly id: number;
}

/** Facts after a place, in the order of time. `last`: the place after which there may be more. */
export const readFactsFrom = async (
  db: Queryable,
  after: FactPlace,
  limit: number,
): Promise<{ readonly facts: readonly JudgedFact[]; readonly last: FactPlace | undefined }> => {
  const { rows } = await db.query<FactRow>({ ...FACTS_FROM, values: [after.finishedAt, after.id, limit] });
  const last = rows.length < limit ? undefined : rows.at(-1);
  return { facts: rows.map(storedFact), last: last && { finishedAt: last.finished_at, id: last.id } };
};
