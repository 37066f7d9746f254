import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import type { Signal } from '../detector/signals.ts';
import type { Fact } from '../recorder.ts';
import type { Judge } from './judge.ts';

/** What is judged beside calculation time: how long writes and calculations wait, and newsletters that are late. */

const TAKE_WRITES = { name: 'monitor-take-writes', text: sql('monitor-take-writes') };
const WRITES = sql('monitor-writes');
const WAITING = { name: 'monitor-waiting', text: sql('monitor-waiting') };

/** How long an acknowledged write waited until calculations saw it. */
export interface WriteSample {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly waitedMs: number;
}

/** What a step took in beside facts and operators' requests. */
export interface StepSignals {
  /** Samples of writes after this moment, until that which the step advanced to, were looked at. */
  readonly since: number;
  /** How long the oldest calculation in the queue had waited; null where the step was behind, so that it was not of that time. */
  readonly waitingMs: number | null;
}

interface SampleRow {
  readonly at: Date;
  readonly waited_ms: number;
}
const sampleOf = ({ at, waited_ms }: SampleRow): WriteSample => ({
  at: at.getTime(),
  waitedMs: Math.fround(waited_ms),
});

/** Takes in the samples after `since` until `at`, in the order of time. */
export const takeWrites = async (
  db: Queryable,
  { step, since, at }: { readonly step: number; readonly since: number; readonly at: number },
): Promise<WriteSample[]> =>
  (await db.query<SampleRow>({ ...TAKE_WRITES, values: [step, new Date(since), new Date(at)] })).rows.map(sampleOf);

/** Those that a step took in, as it did. */
export const writesOf = async (
  db: Queryable,
  { step, since, at }: { readonly step: number; readonly since: number; readonly at: number },
): Promise<WriteSample[]> =>
  (await db.query<SampleRow>(WRITES, [step, new Date(since), new Date(at)])).rows.map(sampleOf);

export const readWaitingMs = async (db: Queryable): Promise<number> =>
  Math.fround((await db.query<{ waiting_ms: number }>({ ...WAITING, values: [] })).rows[0]?.waiting_ms ?? 0);

/** What a fact says beside how long it took. The wait of one that was tried again contains its first attempts. */
export const signalsOf = ({ finishedAt: at, late, queueMs, attempts }: Fact): Signal[] => [
  ...(late ? [{ kind: 'late', at, value: 1 } as const] : []),
  ...(queueMs !== null && attempts === 1 ? [{ kind: 'queue', at, value: queueMs / 1000 } as const] : []),
];

/** Calls `each` with every fact, and tells the judge of the samples in between, in the order of time. */
export const inOrder = <T extends { readonly finishedAt: number }, R>(
  judge: Judge | undefined,
  facts: readonly T[],
  samples: readonly WriteSample[],
  each: (fact: T) => R,
): R[] => {
  let next = 0;
  const tellUntil = (until: number): void => {
    for (let sample = samples[next]; sample !== undefined && sample.at < until; sample = samples[++next])
      judge?.signal({ kind: 'freshness', at: sample.at, value: sample.waitedMs / 1000 });
  };
  const results = facts.map((fact) => {
    tellUntil(fact.finishedAt);
    return each(fact);
  });
  tellUntil(Number.POSITIVE_INFINITY);
  return results;
};

/**
 * How things are at the end of a step that is not behind: the queue, and that no write waits, which samples do not tell of. Without it
 * what is over would stay open while nothing is written or calculated.
 */
export const tellPresent = (judge: Judge | undefined, at: number, waitingMs: number | null): void => {
  if (waitingMs === null) return;
  judge?.signal({ kind: 'freshness', at, value: 0 });
  judge?.signal({ kind: 'queue', at, value: waitingMs / 1000 });
};
