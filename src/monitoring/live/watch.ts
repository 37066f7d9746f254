import type pg from 'pg';
import { transaction } from '../../database/transaction.ts';
import {
  Definitions,
  type EndedRow,
  factOf,
  insertFacts,
  type JudgedFact,
  markRecorded,
  takeEnded,
} from '../recorder.ts';
import type { Alert, AlertEvent } from '../types.ts';
import { BaselineBook } from './baselines.ts';
import type { Judge } from './judge.ts';
import { BEHIND_MS, GRACE_MS, SAMPLES_BEFORE_MS, SAVE_FACTS, SAVE_MS, SHOW_MS, STEP_FACTS } from './limits.ts';
import { Partitions, type PartitionedTable } from './partitions.ts';
import { takeAccepts } from './requests.ts';
import { reconcile } from './reconcile.ts';
import { judgeFact, type JudgeFrom, restoreJudge } from './restore.ts';
import { addToRollups } from './rollups.ts';
import { bandsOf, NOTHING_SHOWN, type Shown, shownOf } from './shown.ts';
import { inOrder, readWaitingMs, takeWrites, tellPresent } from './signals.ts';
import { commitStep, lockPosition, readBacklog, save, type StepRecord } from './state.ts';
import type { StoredView } from './view.ts';

/** Where a step writes what belongs to a moment. */
const WRITTEN = ['monitor_facts', 'monitor_minutes', 'monitor_hours'];

export interface WatchOptions {
  /** The one connection of the leader, with its lock: whoever has lost the lock cannot write either. */
  readonly client: pg.ClientBase;
  /** The leading process. */
  readonly leader: string;
  /** Left out: facts are recorded and not judged. */
  readonly judgeFrom?: JudgeFrom;
  readonly tables: readonly PartitionedTable[];
  /** What a calculation that timed out took at least. */
  readonly timeoutMs: number;
  /** Writes what is to be told, in the transaction of the step that found it. */
  readonly tell: (client: pg.ClientBase, events: readonly AlertEvent[]) => Promise<void>;
  /** The alerts that are open for everybody, which the detector must follow. Left out: those that it follows. */
  readonly open?: (client: pg.ClientBase) => Promise<readonly Alert[]>;
  readonly graceMs?: number;
  readonly behindMs?: number;
  readonly stepFacts?: number;
}

export interface StepResult {
  readonly facts: number;
  readonly events: readonly AlertEvent[];
  readonly view: StoredView;
  /** More waits: the next step need not. */
  readonly more: boolean;
}

interface Restored {
  readonly judge: Judge | undefined;
  readonly baselines: BaselineBook;
  readonly step: number;
  /** Facts that were judged again. */
  readonly repeated: number;
  /** Why the detector learned anew from the facts of the last weeks. */
  readonly relearned?: string | undefined;
}

/**
 * The leader's work, step by step. A step is one transaction: it takes calculations that have ended, judges them, and writes facts,
 * rollups, what is to be told, and where it has got to. After any failure this object is of no use any more: what it remembers may be ahead
 * of the database, so another one is restored.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #partitions: Partitions;
  readonly #definitions = new Definitions();
  readonly #judge: Judge | undefined;
  readonly #baselines: BaselineBook;
  /** Why the detector had to learn anew; undefined where it goes on from what was saved. */
  readonly relearned: string | undefined;
  #step: number;
  #shown = NOTHING_SHOWN;
  #savedAt = performance.now();
  #factsSinceSave: number;

  private constructor(options: WatchOptions, partitions: Partitions, restored: Restored) {
    this.#options = options;
    this.#partitions = partitions;
    this.#judge = restored.judge;
    this.#baselines = restored.baselines;
    this.#step = restored.step;
    this.relearned = restored.relearned;
    // Learned anew is saved soon: to learn once more would find other alerts.
    this.#factsSinceSave = restored.relearned === undefined ? restored.repeated : SAVE_FACTS;
  }

  /** The detector as it was saved, and after it the steps since, whose events have been told. */
  static async restore(options: WatchOptions): Promise<Watch> {
    const { client, judgeFrom, tables } = options;
    const partitions = new Partitions(tables);
    const restored = await transaction(client, async () => {
      const position = await lockPosition(client);
      const restored = judgeFrom === undefined ? { repeated: 0 } : await restoreJudge(client, judgeFrom, position);
      // Before the first step nothing can have been told by a detector.
      if ('judge' in restored && position.step > 0) await agree(options, restored.judge, position.at ?? position.nowMs);
      return { judge: undefined, ...restored, baselines: await BaselineBook.open(client), step: position.step };
    });
    const watch = new Watch(options, partitions, restored);
    await watch.maintain();
    return watch;
  }

  /** Undefined where facts are not judged. */
  get judge(): Judge | undefined {
    return this.#judge;
  }

  /** Makes the partitions that are soon needed and drops those that are too old; gives the names of these. */
  async maintain(): Promise<readonly string[]> {
    const { client } = this.#options;
    const { rows } = await client.query<{ now: Date }>('select clock_timestamp() as now');
    const nowMs = (rows[0]?.now ?? new Date()).getTime();
    await this.#partitions.ensureAhead(client, nowMs);
    return this.#partitions.dropExpired(client, nowMs);
  }

  async step(): Promise<StepResult> {
    const { client } = this.#options;
    // Facts of days without a partition, such as those of a database that is new to this version, need it before the transaction.
    for (;;) {
      const result = await transaction(client, () => this.#try());
      if (!('missing' in result)) return result;
      for (const table of WRITTEN) await this.#partitions.ensure(client, table, result.missing.get(table) ?? []);
    }
  }

  async #try(): Promise<StepResult | { readonly missing: ReadonlyMap<string, readonly number[]> }> {
    const {
      client,
      leader,
      timeoutMs,
      graceMs = GRACE_MS,
      behindMs = BEHIND_MS,
      stepFacts = STEP_FACTS,
    } = this.#options;
    const position = await lockPosition(client);
    if (position.step !== this.#step) throw new Error('another process has judged meanwhile');
    const ended = await takeEnded(client, stepFacts, graceMs);
    const keptSince = this.#partitions.keptSince('monitor_facts', position.nowMs);
    const kept = ended.filter((row) => row.finished_at.getTime() >= keptSince);
    const missing = this.#missing(kept, position.nowMs);
    if (missing.size > 0) return { missing };
    const rows = await this.#definitions.complete(client, kept);

    const step = this.#step + 1;
    const facts = rows.map((row) => factOf(row, timeoutMs));
    const more = ended.length === stepFacts;
    const at = Math.max(position.at ?? 0, more ? newest(ended) : position.nowMs - behindMs);
    const since = (position.at ?? at) - SAMPLES_BEFORE_MS;
    const writes = await takeWrites(client, { step, since, at });
    const judged = inOrder(this.#judge, facts, writes, (fact) => judgeFact(this.#judge, fact));
    const waitingMs = more ? null : await readWaitingMs(client);
    tellPresent(this.#judge, at, waitingMs);
    const accepts = await takeAccepts(client, step);
    for (const accept of accepts) this.#judge?.accept(accept);
    this.#judge?.advance(at);
    const events = this.#judge?.takeEvents() ?? [];

    const record: StepRecord = {
      step,
      at,
      facts: await this.#write(judged, position.nowMs),
      signals: { since, waitingMs },
    };
    await markRecorded(
      client,
      ended.map(({ id }) => id),
    );
    if (events.length > 0) {
      // What was told must have happened: all else may be done again after a crash of the database.
      await client.query('set local synchronous_commit = on');
      await this.#options.tell(client, events);
    }
    const { slices, openAlerts } = this.#show(at, events.length > 0);
    const { waiting, oldestMs } = await readBacklog(client);
    const recorder = { waiting, lagMs: oldestMs };
    const view: StoredView = { step, at, writtenAt: position.nowMs, slices, openAlerts, recorder };
    await commitStep(client, record, leader, view);
    // Only now: where this transaction begins again for a partition, nothing of it has been judged.
    this.#step = step;
    // What an operator has accepted is shown among the baselines soon.
    this.#factsSinceSave += facts.length + (accepts.length > 0 ? SAVE_FACTS : 0);
    return { facts: facts.length, events, more, view };
  }

  /** By table: moments of which something will be written, and for which there is no partition. */
  #missing(rows: readonly EndedRow[], nowMs: number): ReadonlyMap<string, readonly number[]> {
    const missing = new Map<string, readonly number[]>();
    for (const table of WRITTEN) {
      const since = this.#partitions.keptSince(table, nowMs);
      const moments = rows.map(({ finished_at }) => finished_at.getTime()).filter((ms) => ms >= since);
      const without = this.#partitions.missing(table, moments);
      if (without.length > 0) missing.set(table, without);
    }
    return missing;
  }

  async #write(judged: readonly JudgedFact[], nowMs: number): Promise<StepRecord['facts']> {
    if (judged.length === 0) return null;
    const { client } = this.#options;
    const ids = await insertFacts(client, judged);
    const minutesSince = this.#partitions.keptSince('monitor_minutes', nowMs);
    const recent = judged.filter(({ finishedAt }) => finishedAt >= minutesSince);
    const names = new Map(judged.map(({ workspaceId, workspace }) => [workspaceId, workspace]));
    const bandOf = bandsOf(this.#shown, names);
    await addToRollups(client, 'minute', recent, bandOf);
    const hoursSince = this.#partitions.keptSince('monitor_hours', nowMs);
    const held = judged.filter(({ finishedAt }) => finishedAt >= hoursSince);
    await addToRollups(client, 'hour', held, bandOf);
    const times = judged.map((fact) => fact.finishedAt);
    return { ...ids, oldest: Math.min(...times), newest: Math.max(...times) };
  }

  /** Looking at every slice takes milliseconds, and most steps change little. */
  #show(at: number, changed: boolean): Shown {
    if (this.#judge !== undefined && (changed || at - this.#shown.at >= SHOW_MS))
      this.#shown = shownOf(this.#judge, at);
    return this.#shown;
  }

  /** Whether enough has come since the save that repeating it would take long. */
  get saveDue(): boolean {
    return this.#factsSinceSave >= SAVE_FACTS || performance.now() - this.#savedAt >= SAVE_MS;
  }

  async save(): Promise<void> {
    const { client } = this.#options;
    const step = this.#step;
    await transaction(client, async () => {
      const position = await lockPosition(client);
      if (position.step !== step) throw new Error('another process has judged meanwhile');
      await save(client, { step, state: this.#judge?.save() });
      if (this.#judge !== undefined && position.at !== undefined)
        await this.#baselines.write(client, this.#judge, position.at);
    });
    this.#savedAt = performance.now();
    this.#factsSinceSave = 0;
  }
}

/** What is open for everybody and what the detector follows are the same from here on. */
const agree = async ({ client, tell, open }: WatchOptions, judge: Judge, at: number): Promise<void> => {
  if (open === undefined) return;
  const events = reconcile(await open(client), judge.openAlerts(), at);
  if (events.length === 0) return;
  await client.query('set local synchronous_commit = on');
  await tell(client, events);
};

const newest = (rows: readonly EndedRow[]): number =>
  rows.reduce((max, { finished_at }) => Math.max(max, finished_at.getTime()), 0);
