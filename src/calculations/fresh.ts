import type pg from 'pg';
import type { Catalogue } from '../compiler/catalogue.ts';
import { type Membership, compile } from '../compiler/compile.ts';
import type { NamedStatement } from '../compiler/statements.ts';
import type { ExpandedCondition } from '../conditions/types.ts';
import { references } from '../conditions/references.ts';
import { transaction } from '../database/transaction.ts';
import { loadCatalogue } from '../index/catalogue.ts';
import { fold, withFoldLock } from '../index/fold.ts';
import { withPatternLimit } from './patterns.ts';

/** The compiler's statements are immutable; node-postgres declares that it might change them. */
export const asQuery = ({ name, text, values }: NamedStatement): pg.QueryConfig => ({
  name,
  text,
  values: [...values],
});

/** What is to be evaluated, as the transaction's own snapshot shows it. */
export interface Subject {
  readonly condition: ExpandedCondition;
  /** Only these; left out: the whole workspace. */
  readonly shards?: readonly number[];
}

export interface Compiled<S extends Subject> {
  readonly subject: S;
  readonly membership: Membership;
  readonly catalogue: Catalogue;
  readonly shards: readonly [first: number, last: number];
  /** The calculation's one clock, epoch milliseconds. */
  readonly asOf: number;
  readonly watch: Readonly<Stopwatch>;
}

/** Accumulates the milliseconds of the phases that lie before the query. */
export interface Stopwatch {
  freshen: number;
  compile: number;
}

type Catalogued = Awaited<ReturnType<typeof loadCatalogue>>;

const scopeOf = (workspaceId: number, subject: Subject, catalogue: Catalogued) => ({
  workspaceId,
  propertyIds: catalogue.propertyIds,
  eventIds: catalogue.eventIds,
  ...(subject.shards === undefined ? {} : { shards: [...subject.shards] }),
});

/**
 * Runs `work` in one repeatable-read transaction in which the bitmaps that the condition reads are exactly the rows. Where
 * none of them has pending changes, no lock is taken; otherwise the transaction begins again under the workspace's fold
 * lock and first folds what the condition needs.
 *
 * @param load reads the subject; the transaction's first statement
 */
export const inFreshTransaction = async <S extends Subject, T>(
  client: pg.ClientBase,
  workspaceId: number,
  load: (client: pg.ClientBase) => Promise<S>,
  work: (compiled: Compiled<S>) => Promise<T>,
): Promise<T> => {
  const watch: Stopwatch = { freshen: 0, compile: 0 };
  const first = await attempt(client, workspaceId, load, work, watch, false);
  if (first !== PENDING) return first;
  const waiting = performance.now();
  const second = await withFoldLock(client, workspaceId, () => {
    watch.freshen += performance.now() - waiting;
    return attempt(client, workspaceId, load, work, watch, true);
  });
  if (second === PENDING) throw new Error('changes are pending although they were folded');
  return second;
};

const PENDING = Symbol('pending');

const attempt = <S extends Subject, T>(
  client: pg.ClientBase,
  workspaceId: number,
  load: (client: pg.ClientBase) => Promise<S>,
  work: (compiled: Compiled<S>) => Promise<T>,
  watch: Stopwatch,
  folding: boolean,
): Promise<T | typeof PENDING> => {
  let mark = performance.now();
  const lap = (phase: keyof Stopwatch): void => {
    const now = performance.now();
    watch[phase] += now - mark;
    mark = now;
  };
  return transaction(
    client,
    async () => {
      const subject = await load(client);
      // Read after the first statement has taken the snapshot: an event in it never lies later than asOf only because it
      // came between the two.
      const asOf = Date.now();
      const named = references(subject.condition);
      const limited = <R>(part: () => Promise<R>): Promise<R> => withPatternLimit(client, subject.condition, part);
      const loaded = (): Promise<Catalogued> =>
        limited(() => loadCatalogue(client, workspaceId, named, subject.shards));
      let catalogue = await loaded();
      lap('compile');
      if (catalogue.pending) {
        if (!folding) return PENDING;
        await fold(client, scopeOf(workspaceId, subject, catalogue));
        lap('freshen');
        // Folding may have given columns, widths and codes that were not there before.
        catalogue = await loaded();
      }
      const membership = compile(subject.condition, catalogue, asOf);
      lap('compile');
      return limited(() => work({ subject, membership, catalogue, shards: catalogue.shards, asOf, watch }));
    },
    { isolation: 'repeatable read' },
  );
};
