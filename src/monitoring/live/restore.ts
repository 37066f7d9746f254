import type { Queryable } from '../../database/port.ts';
import { type Fact, type JudgedFact, observationOf, readFacts, readFactsFrom } from '../recorder.ts';
import type { Judge } from './judge.ts';
import { RELEARN_DAYS, STEP_FACTS } from './limits.ts';
import { acceptsOf } from './requests.ts';
import { inOrder, signalsOf, tellPresent, writesOf } from './signals.ts';
import { type Loaded, loadSaved, type Position, type StepRecord, stepsAfter } from './state.ts';

const DAY_MS = 86_400_000;

/** From what `save` gave, or from nothing; undefined where it cannot read that, such as an older version's. */
export type JudgeFrom = (state: unknown) => Judge | undefined;

export const judgeFact = (judge: Judge | undefined, fact: Fact): JudgedFact => {
  const observation = observationOf(fact);
  const residual = observation && judge?.observe(observation);
  for (const signal of signalsOf(fact)) judge?.signal(signal);
  return { ...fact, residual: residual === undefined ? Number.NaN : Math.fround(residual) };
};

/**
 * The detector as it was after the last step: as it was saved, and after it the steps since. What it says meanwhile has been told. Where the saved
 * state is of another version it learns from the facts of the last weeks instead.
 *
 * @param db a transaction's client that has locked the position
 * @returns with the number of facts that were judged again, and why it had to learn anew
 */
export const restoreJudge = async (
  db: Queryable,
  judgeFrom: JudgeFrom,
  position: Position & { readonly nowMs: number },
): Promise<{ readonly judge: Judge; readonly repeated: number; readonly relearned?: string }> => {
  const saved = await loadSaved(db);
  const steps = await stepsAfter(db, saved?.step ?? 0);
  const { known, fault } = judgeOf(judgeFrom, saved);
  const fresh = judgeFrom(undefined);
  if (fresh === undefined) throw new Error('a detector can always begin from nothing');
  if (known === undefined && steps.length < position.step) {
    const repeated = await relearn(db, fresh, position);
    return { judge: fresh, repeated, relearned: fault };
  }
  const judge = known ?? fresh;
  let repeated = 0;
  for (const step of steps) repeated += await repeat(db, judge, step);
  return { judge, repeated };
};

/** A state that cannot be read, for whatever reason, must not keep everything from being watched for ever. */
const judgeOf = (
  judgeFrom: JudgeFrom,
  saved: Loaded,
): { readonly known?: Judge | undefined; readonly fault: string } => {
  if (saved === undefined) return { fault: 'there is no saved state' };
  if ('fault' in saved) return { fault: saved.fault };
  try {
    return { known: judgeFrom(saved.state), fault: 'the saved state is of another version' };
  } catch (error) {
    return { fault: (error as Error).message };
  }
};

/** What a step did to the detector, again; gives the number of facts. */
const repeat = async (db: Queryable, judge: Judge, { step, at, facts, signals }: StepRecord): Promise<number> => {
  const again =
    facts === null
      ? []
      : await readFacts(db, facts, { oldest: new Date(facts.oldest), newest: new Date(facts.newest) });
  // A step of the version before had none.
  const writes = signals === null ? [] : await writesOf(db, { step, at, since: signals.since });
  inOrder(judge, again, writes, (fact) => judgeFact(judge, fact));
  if (signals !== null) tellPresent(judge, at, signals.waitingMs);
  for (const accept of await acceptsOf(db, step)) judge.accept(accept);
  judge.advance(at);
  // told before
  judge.takeEvents();
  return again.length;
};

const relearn = async (db: Queryable, judge: Judge, { at, nowMs }: Position & { nowMs: number }): Promise<number> => {
  let number = 0;
  let after = { finishedAt: new Date(nowMs - RELEARN_DAYS * DAY_MS), id: 0 };
  for (;;) {
    const page = await readFactsFrom(db, after, STEP_FACTS);
    for (const fact of page.facts) judgeFact(judge, fact);
    judge.takeEvents();
    number += page.facts.length;
    if (page.last === undefined) break;
    after = page.last;
  }
  if (at !== undefined) judge.advance(at);
  judge.takeEvents();
  return number;
};
