import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { type CalculationResult, calculationStatement } from '../compiler/calculation.ts';
import { compile, type Membership } from '../compiler/compile.ts';
import { smallestUnit } from '../conditions/units.ts';
import { sql } from '../database/sql.ts';
import type { Claimed } from './claims.ts';
import { asQuery } from './fresh.ts';
import { MAX_QUICK_SEGMENTS } from './limits.ts';
import type { Known } from './memory.ts';
import { isQuick } from './quick-rules.ts';
import type { Request } from './requests.ts';
import { succeededAs } from './run-calculation.ts';
import { Session } from './session.ts';
import type { Lost, Succeeded } from './tasks.ts';

const BEGIN = { name: 'calculations-begin-here', text: sql('calculations-begin-here') };

interface Options {
  readonly url: string;
  readonly statementTimeoutMs: number;
  readonly processId: string;
  readonly sessions: number;
}

/** One that is on its way. */
export interface Started {
  /** Undefined where it has to wait for its turn as all others do. Rejects with what PostgreSQL gives. */
  readonly begun: Promise<Claimed | undefined>;
  /** Undefined where a thread has to calculate it, and nothing was written. Never rejects. */
  readonly outcome: Promise<Succeeded | Lost | undefined>;
}

interface Remembered {
  readonly segmentId: number;
  readonly known: Known;
  /** Of conditions that depend on the data alone, which are compiled once; none that is quick reads events (`isQuick`). */
  readonly membership: Membership | undefined;
}

/**
 * Calculations that take little more than the messages for them, by this thread itself: what begins one and what calculates it
 * are two statements, two transactions, and one message. Everything that it cannot do is done by a thread of the pool. Decision 0040.
 */
export class Quick {
  readonly #options: Options;
  readonly #idle: Session[];
  readonly #sessions: readonly Session[];
  readonly #running = new Map<number, Session>();
  /** By workspace and key; a thread that has calculated the segment has told. */
  readonly #segments = new Map<string, Remembered>();

  constructor(options: Options) {
    const { url, statementTimeoutMs } = options;
    this.#options = options;
    this.#sessions = Array.from(
      { length: options.sessions },
      () => new Session({ url, statementTimeoutMs, pipeline: true, applicationName: 'evenkeel quick' }),
    );
    this.#idle = [...this.#sessions];
  }

  get busy(): number {
    return this.#sessions.length - this.#idle.length;
  }

  knows(workspaceId: number, key: string): boolean {
    return this.#segments.has(nameOf(workspaceId, key));
  }

  /** Forgets the one that was learnt first where they are too many. */
  learn(workspaceId: number, key: string, segmentId: number, known: Known): void {
    const membership =
      smallestUnit(known.condition) === undefined ? compile(known.condition, known.catalogue, Date.now()) : undefined;
    this.#segments.set(nameOf(workspaceId, key), { segmentId, known, membership });
    if (this.#segments.size > MAX_QUICK_SEGMENTS) this.#segments.delete(this.#segments.keys().next().value as string);
  }

  /** Undefined where it is not for this thread. */
  start(workspaceId: number, key: string, request: Omit<Request, 'waitMs'>): Started | undefined {
    const remembered = this.#segments.get(nameOf(workspaceId, key));
    if (remembered === undefined) return undefined;
    const session = this.#idle.pop();
    if (session === undefined) return undefined;
    const started = this.#run(session, workspaceId, key, request, remembered);
    void started.outcome.then(() => this.#idle.push(session));
    return started;
  }

  /** Ends its statement, where one is running here. */
  cancel(id: number): void {
    this.#running.get(id)?.cancel();
  }

  async close(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.reset()));
  }

  #run(
    session: Session,
    workspaceId: number,
    key: string,
    { trigger, deadline, onLate }: Omit<Request, 'waitMs'>,
    remembered: Remembered,
  ): Started {
    const { processId } = this.#options;
    const { segmentId, known } = remembered;
    const token = randomUUID();
    const asOf = Date.now();
    const compiling = performance.now();
    const membership = remembered.membership ?? compile(known.condition, known.catalogue, asOf);
    const compileMs = performance.now() - compiling;
    const statement = calculationStatement(membership, {
      claim: { token, processId, attempt: 1, workspaceId, segmentId },
      basis: known.basis,
      shards: known.catalogue.shards,
      segmentVersion: known.version,
      kinds: known.kinds,
      asOf,
      pinned: trigger === 'newsletter',
      freshenMs: 0,
      compileMs,
    });
    const values = [workspaceId, key, trigger, deadline, onLate, processId, token];
    let sentAt = 0;
    const sent = session.begin().then((client) => {
      sentAt = performance.now();
      return {
        begun: client.query<Claimed>({ ...BEGIN, values }),
        calculated: settled(client.query<CalculationResult>(asQuery(statement))),
      };
    });
    const begun = sent.then(async (both) => {
      const row = (await both.begun).rows[0];
      if (row !== undefined) this.#running.set(row.id, session);
      return row;
    });
    const calculated = sent.then(async (both): Promise<Succeeded | Lost | undefined> => {
      const result = await both.calculated;
      const row = await begun;
      if (row !== undefined) this.#running.delete(row.id);
      if (result === undefined || row === undefined || session.cancelled) return undefined;
      if (result.verdict === 'lost') return { outcome: 'lost' };
      if (result.verdict !== 'done' || !isQuick(known, result)) this.#forget(workspaceId, key, known);
      if (result.verdict !== 'done') return undefined;
      const elapsedMs = performance.now() - sentAt;
      return succeededAs(known, asOf, result, {
        freshen: 0,
        compile: compileMs,
        query: result.query_ms,
        // what of the whole is neither the time until the statement began nor its query
        store: elapsedMs - result.total_ms + result.store_ms,
      });
    });
    return { begun, outcome: calculated.catch(() => undefined) };
  }

  #forget(workspaceId: number, key: string, known: Known): void {
    const name = nameOf(workspaceId, key);
    if (this.#segments.get(name)?.known === known) this.#segments.delete(name);
  }
}

const nameOf = (workspaceId: number, key: string): string => `${workspaceId} ${key}`;

/** The row of one that succeeded; a failure is left to the thread that tries again. */
const settled = (running: Promise<pg.QueryResult<CalculationResult>>): Promise<CalculationResult | undefined> =>
  running.then(
    ({ rows }) => rows[0],
    () => undefined,
  );
