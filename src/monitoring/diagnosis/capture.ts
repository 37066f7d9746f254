import type pg from 'pg';
import type { Queryable } from '../../database/port.ts';
import type {
  ActivityEvidence,
  CaptureReason,
  Evidence,
  MachineLoad,
  PlanFacts,
  Role,
  SegmentEvidence,
  SegmentName,
  SegmentStatements,
  ServiceLoad,
} from './evidence.ts';
import { explainStatement } from './explain.ts';
import { CAPTURE_BUDGET_MS, CAPTURE_LOCK_MS, CAPTURE_STATEMENT_MS } from './limits.ts';
import {
  readBlockers,
  readConnections,
  readHolders,
  readIndexes,
  readPending,
  readPhases,
  readQueue,
  readSettings,
  readTables,
  readWorkspaces,
} from './parts.ts';

export interface CaptureSources {
  /** A connection for this capture alone, set up as those that calculate. */
  readonly connect: () => Promise<pg.Client>;
  /** What a calculation of a segment consists of; undefined where there is no such segment. */
  readonly statementsOf: (db: Queryable, segment: SegmentName) => Promise<SegmentStatements | undefined>;
  readonly service: () => ServiceLoad;
  /** Of the machine that the database runs on, where that is known. */
  readonly machine?: () => Promise<MachineLoad>;
  readonly activity: () => ActivityEvidence;
}

export interface CaptureOptions {
  readonly reason: CaptureReason;
  readonly segments: readonly (SegmentName & { readonly role: Role })[];
  readonly budgetMs?: number;
}

/** What passes for a sentence of an error, without what a statement carried. */
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 300);

/** One look at everything. A part that fails is noted and the others go on. */
class Capture {
  readonly #client: pg.Client;
  readonly #deadline: number;
  readonly errors: { part: string; message: string }[] = [];

  constructor(client: pg.Client, deadline: number) {
    this.#client = client;
    this.#deadline = deadline;
  }

  /**
   * Each part has a transaction of its own, so that one that fails takes no other along, and that no snapshot is held for long:
   * that would keep vacuum back, which may be what is being looked for. It can change nothing, and ends with a rollback.
   */
  readonly inTransaction = async <T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> => {
    const leftMs = Math.floor(this.#deadline - performance.now());
    if (leftMs <= 0) throw new Error('there was no time left for it');
    const limitMs = Math.min(leftMs, CAPTURE_STATEMENT_MS);
    await this.#client.query('begin isolation level read committed read only');
    try {
      await this.#client.query(
        `select set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true)`,
        [String(limitMs), String(Math.min(limitMs, CAPTURE_LOCK_MS))],
      );
      return await work(this.#client);
    } finally {
      await this.#client.query('rollback');
    }
  };

  async part<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.errors.push({ part: name, message: reasonOf(error) });
      return undefined;
    }
  }

  query<T>(name: string, work: (db: Queryable) => Promise<T>): Promise<T | undefined> {
    return this.part(name, () => this.inTransaction((client) => work(client)));
  }
}

const explainSegment = async (
  capture: Capture,
  { statementsOf }: CaptureSources,
  { role, workspace, segment }: CaptureOptions['segments'][number],
): Promise<SegmentEvidence | undefined> => {
  const name = `${workspace}/${segment}`;
  const found = await capture.query(`statements of ${name}`, (db) => statementsOf(db, { workspace, segment }));
  if (found === undefined) return undefined;
  const phasesMs = await capture.query(`phases of ${name}`, (db) => readPhases(db, { workspace, segment }));
  const plans: PlanFacts[] = [];
  for (const statement of found.statements) {
    const plan = await capture.part(`${statement.name} of ${name}`, () =>
      explainStatement(capture.inTransaction, statement),
    );
    if (plan !== undefined) plans.push(plan);
  }
  return { workspace, segment, role, kinds: found.kinds, plans, phasesMs: phasesMs ?? null };
};

/** Leaves out what is undefined, as the types ask. */
const present = <T extends object>(parts: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };

/**
 * Looks at everything that may make calculations slow: what passes quickly first. Reads only, within a budget, waits for no lock, and
 * never throws: that the database cannot be reached is evidence too.
 */
export const capture = async (sources: CaptureSources, options: CaptureOptions): Promise<Evidence> => {
  const at = Date.now();
  const began = performance.now();
  const service = sources.service();
  const activity = sources.activity();
  const machine = await sources.machine?.();
  const known = { at, reason: options.reason, service, activity, ...present({ machine }) };
  let client: pg.Client;
  try {
    client = await sources.connect();
  } catch (error) {
    const errors = [{ part: 'connection', message: reasonOf(error) }];
    return { ...known, tookMs: performance.now() - began, errors, segments: [] };
  }
  try {
    const run = new Capture(client, began + (options.budgetMs ?? CAPTURE_BUDGET_MS));
    const parts = {
      blockers: await run.query('locks', readBlockers),
      holders: await run.query('transactions', readHolders),
      connections: await run.query('connections', readConnections),
      queue: await run.query('queue', readQueue),
      indexes: await run.query('indexes', readIndexes),
      settings: await run.query('settings', readSettings),
      tables: await run.query('tables', readTables),
      pending: await run.query('pending', readPending),
      workspaces: await run.query('workspaces', readWorkspaces),
    };
    const segments: SegmentEvidence[] = [];
    for (const each of options.segments) {
      const evidence = await explainSegment(run, sources, each);
      if (evidence !== undefined) segments.push(evidence);
    }
    return { ...known, ...present(parts), errors: run.errors, segments, tookMs: performance.now() - began };
  } finally {
    await client.end().catch(() => undefined);
  }
};
