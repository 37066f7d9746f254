import type pg from 'pg';
import { type CalculationResult, calculationStatement } from '../compiler/calculation.ts';
import { compile } from '../compiler/compile.ts';
import { references } from '../conditions/references.ts';
import { transaction } from '../database/transaction.ts';
import { loadCatalogue } from '../index/catalogue.ts';
import { fold, withFoldLock } from '../index/fold.ts';
import { expandSegment, loadDefinitions } from './definitions.ts';
import { asQuery } from './fresh.ts';
import { hasPatterns, withPatternLimit } from './patterns.ts';
import { type Known, knownOf, type Memory } from './memory.ts';
import { isQuick } from './quick-rules.ts';
import type { CalculateTask, Lost, PhasesMs, Succeeded } from './tasks.ts';

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

/**
 * One calculation on one connection, up to the commit that makes snapshot, membership and record visible together. Mostly that
 * is a single statement, compiled from what the thread remembers of the segment, which itself finds out whether that still
 * holds. Where it does not, definitions and catalogue are read first; where the bitmaps lack a few changes the statement has an
 * overlay, and where they lack many these are folded: all in the snapshot in which the statement then runs.
 *
 * @returns what it found, or `lost` where it was cancelled or taken over meanwhile
 * @throws CalculationError
 */
export const runCalculation = async (
  client: pg.ClientBase,
  task: CalculateTask,
  memory: Memory,
): Promise<Succeeded | Lost> => {
  const calculation = new Calculation(client, task, memory);
  try {
    return await calculation.run();
  } catch (error) {
    if (error instanceof NotWantedError) return { outcome: 'lost' };
    throw new CalculationError(error, calculation.kinds);
  }
};

/** The statement's row, and what it was made from. */
interface Answer {
  readonly known: Known;
  readonly asOf: number;
  readonly result: CalculationResult;
  /** When its membership was known and storing it began, by this thread's clock. */
  readonly storingAt: number;
  readonly overlaid: boolean;
  readonly freshenMs: number;
  readonly compileMs: number;
}

class Calculation {
  readonly #client: pg.ClientBase;
  readonly #task: CalculateTask;
  readonly #memory: Memory;
  #freshenMs = 0;
  #compileMs = 0;
  kinds: readonly string[] | undefined;

  constructor(client: pg.ClientBase, task: CalculateTask, memory: Memory) {
    this.#client = client;
    this.#task = task;
    this.#memory = memory;
  }

  async run(): Promise<Succeeded | Lost> {
    const known = this.#memory.get(this.#task.segmentId);
    let answer = known && (await this.#fromMemory(known, known.busy));
    if (answer?.result.verdict === 'pending' && !answer.overlaid) answer = await this.#fromMemory(answer.known, true);
    if (answer === undefined || answer.result.verdict === 'stale') answer = await this.#fromScratch();
    if (answer.result.verdict === 'pending') answer = await this.#folding();
    const { verdict, marks } = answer.result;
    if (verdict === 'lost') return { outcome: 'lost' };
    if (verdict !== 'done') throw new Error(`what a calculation has just read itself is ${verdict}`);
    this.#memory.set(this.#task.segmentId, { ...answer.known, busy: marks > 0 });
    const teaching = this.#task.teach === true && isQuick(answer.known, answer.result);
    return teaching ? { ...succeeded(answer), known: answer.known } : succeeded(answer);
  }

  #fromMemory(known: Known, overlaid: boolean): Promise<Answer> {
    // An event must not lie later than asOf only because it came between the two: then the snapshot comes first. And a time
    // limit of its own lasts as long as its transaction.
    const state = (): Promise<Answer> => this.#state(known, overlaid);
    if (known.basis.eventIds.length === 0 && !hasPatterns(known.condition)) return state();
    return transaction(this.#client, state, { isolation: 'repeatable read', snapshot: true });
  }

  #fromScratch(): Promise<Answer> {
    const work = async (): Promise<Answer> => {
      const known = await this.#learn();
      return this.#state(known, known.catalogue.pending);
    };
    return transaction(this.#client, work, { isolation: 'repeatable read' });
  }

  /** Under the fold lock, as the only one that changes bitmaps. */
  #folding(): Promise<Answer> {
    const { workspaceId } = this.#task;
    const waiting = performance.now();
    return withFoldLock(this.#client, workspaceId, () => {
      this.#freshenMs += performance.now() - waiting;
      return transaction(
        this.#client,
        async () => {
          const { propertyIds, eventIds } = (await this.#learn()).catalogue;
          const folding = performance.now();
          await fold(this.#client, { workspaceId, propertyIds, eventIds });
          this.#freshenMs += performance.now() - folding;
          // Folding may have given columns, widths and codes that were not there before.
          return this.#state(await this.#learn(), false);
        },
        { isolation: 'repeatable read' },
      );
    });
  }

  /** Reads definitions and catalogue as the transaction sees them. Throws 422 for a condition that cannot be expanded. */
  async #learn(): Promise<Known> {
    const began = performance.now();
    const { workspaceId, segmentId, segmentKey } = this.#task;
    const definitions = await loadDefinitions(this.#client, workspaceId, [segmentKey]);
    const definition = definitions.get(segmentKey);
    if (definition?.id !== segmentId) throw new NotWantedError();
    const expanded = expandSegment(definition, definitions);
    this.kinds = expanded.kinds;
    const { condition } = expanded;
    const catalogue = await withPatternLimit(this.#client, condition, () =>
      loadCatalogue(this.#client, workspaceId, references(condition)),
    );
    this.#compileMs += performance.now() - began;
    return knownOf(definition, definitions, expanded, catalogue);
  }

  /** The transaction's snapshot is taken before if it reads events. */
  async #state(known: Known, overlaid: boolean): Promise<Answer> {
    const asOf = Date.now();
    const compiling = performance.now();
    this.kinds = known.kinds;
    const { id, processId, attempt, workspaceId, segmentId, trigger } = this.#task;
    const membership = compile(known.condition, known.catalogue, asOf);
    this.#compileMs += performance.now() - compiling;
    const times = { freshenMs: this.#freshenMs, compileMs: this.#compileMs };
    const statement = calculationStatement(membership, {
      claim: { id, processId, attempt, workspaceId, segmentId },
      basis: known.basis,
      shards: known.catalogue.shards,
      segmentVersion: known.version,
      kinds: known.kinds,
      asOf,
      pinned: trigger === 'newsletter',
      ...times,
      ...(overlaid ? { overlay: { condition: known.condition, events: known.catalogue.events } } : {}),
    });
    const began = performance.now();
    const { rows } = await withPatternLimit(this.#client, known.condition, () =>
      this.#client.query<CalculationResult>(asQuery(statement)),
    );
    const result = rows[0];
    if (result === undefined) throw new Error('the calculation statement gave no row');
    return { known, asOf, result, storingAt: began + result.query_ms, overlaid, ...times };
  }
}

const succeeded = ({ known, asOf, result, storingAt, freshenMs, compileMs }: Answer): Succeeded =>
  succeededAs(known, asOf, result, {
    freshen: freshenMs,
    compile: compileMs,
    query: result.query_ms,
    store: performance.now() - storingAt,
  });

/** What the statement has found and stored. */
export const succeededAs = (known: Known, asOf: number, result: CalculationResult, phasesMs: PhasesMs): Succeeded => ({
  outcome: 'succeeded',
  snapshotId: result.snapshot_id,
  segmentVersion: known.version,
  asOf,
  finishedAt: result.finished_at.getTime(),
  population: result.population,
  members: result.members,
  entered: result.entered,
  left: result.left,
  kinds: known.kinds,
  phasesMs,
});
