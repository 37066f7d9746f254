import type pg from 'pg';
import { type CalculationRow, calculationStatement } from '../compiler/statements.ts';
import { asQuery } from './fresh.ts';
import { sql } from '../database/sql.ts';
import { type Definition, type Expanded, expandSegment } from './definitions.ts';
import { inFreshTransaction, type Subject } from './fresh.ts';
import type { CalculateTask, Lost, Succeeded } from './tasks.ts';

const BEGIN = sql('calculations-begin');
const STORE = sql('calculations-store');

/** Ends the transaction of a calculation that is not wanted any more. */
class NotWantedError extends Error {}

/** A failure, with the condition's kinds as far as they were known by then. */
export class CalculationError extends Error {
  readonly kinds: readonly string[] | undefined;
  constructor(cause: unknown, kinds: readonly string[] | undefined) {
    super('the calculation failed', { cause });
    this.kinds = kinds;
  }
}

interface Begun extends Subject {
  readonly definition: Definition;
  readonly kinds: Expanded['kinds'];
  readonly previousId: number | null;
  readonly snapshotId: number;
}

/**
 * One calculation on one connection, from freshening to the commit that makes snapshot, membership and record visible
 * together.
 *
 * @returns what it found, or `lost` where it was cancelled or taken over meanwhile
 * @throws CalculationError
 */
export const runCalculation = async (client: pg.ClientBase, task: CalculateTask): Promise<Succeeded | Lost> => {
  let kinds: readonly string[] | undefined;
  try {
    return await calculate(client, task, (known) => {
      kinds = known;
    });
  } catch (error) {
    if (error instanceof NotWantedError) return { outcome: 'lost' };
    throw new CalculationError(error, kinds);
  }
};

const calculate = async (
  client: pg.ClientBase,
  task: CalculateTask,
  note: (kinds: readonly string[]) => void,
): Promise<Succeeded> => {
  let storing = 0;
  const load = async (): Promise<Begun> => {
    const begun = await begin(client, task);
    note(begun.kinds);
    return begun;
  };
  const done = await inFreshTransaction(client, task.workspaceId, load, async (compiled) => {
    const { subject, membership, shards, asOf, watch } = compiled;
    const { snapshotId, previousId } = subject;
    const began = performance.now();
    const statement = calculationStatement(membership, { shards, snapshotId, previousId });
    const { rows } = await client.query<CalculationRow>(asQuery(statement));
    const counts = rows[0];
    if (counts === undefined) throw new Error('the calculation statement gave no row');
    // The statement's own clock tells when it had the membership and began to store it.
    storing = began + counts.query_ms;
    const phasesMs = { freshen: watch.freshen, compile: watch.compile, query: counts.query_ms };
    await store(client, task, { subject, asOf, counts, phasesMs });
    return { subject, asOf, counts, phasesMs };
  });
  const { subject, asOf, counts, phasesMs } = done;
  return {
    outcome: 'succeeded',
    snapshotId: subject.snapshotId,
    segmentVersion: subject.definition.version,
    asOf,
    population: counts.population,
    members: counts.members,
    entered: counts.entered,
    left: counts.left,
    kinds: subject.kinds,
    phasesMs: { ...phasesMs, store: performance.now() - storing },
  };
};

const begin = async (client: pg.ClientBase, task: CalculateTask): Promise<Begun> => {
  const { rows } = await client.query<{
    definitions: Definition[] | null;
    previous_id: number | null;
    snapshot_id: number;
  }>(BEGIN, [task.id, task.processId, task.attempt, task.segmentId, task.workspaceId]);
  const begun = rows[0];
  const definitions = new Map(begun?.definitions?.map((definition) => [definition.key, definition]));
  const definition = definitions.get(task.segmentKey);
  if (begun === undefined || definition === undefined) throw new NotWantedError();
  const { condition, kinds } = expandSegment(definition, definitions);
  return { condition, kinds, definition, previousId: begun.previous_id, snapshotId: begun.snapshot_id };
};

interface Calculated {
  readonly subject: Begun;
  readonly asOf: number;
  readonly counts: CalculationRow;
  readonly phasesMs: { readonly freshen: number; readonly compile: number; readonly query: number };
}

const store = async (client: pg.ClientBase, task: CalculateTask, done: Calculated): Promise<void> => {
  const { subject, asOf, counts, phasesMs } = done;
  const { rows } = await client.query(STORE, [
    task.id,
    task.processId,
    task.attempt,
    subject.snapshotId,
    task.workspaceId,
    task.segmentId,
    subject.definition.version,
    subject.previousId,
    new Date(asOf),
    counts.population,
    counts.members,
    task.trigger === 'newsletter',
    counts.entered,
    counts.left,
    subject.kinds,
    phasesMs.freshen,
    phasesMs.compile,
    phasesMs.query,
  ]);
  if (rows.length === 0) throw new NotWantedError();
};
