import type pg from 'pg';
import type { Catalogue } from '../compiler/catalogue.ts';
import { type Membership, compile } from '../compiler/compile.ts';
import type { Overlay } from '../compiler/overlay.ts';
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
}

export interface Compiled<S extends Subject> {
  readonly subject: S;
  readonly membership: Membership;
  readonly catalogue: Catalogue;
  /** Where changes are pending, for the statement to correct. */
  readonly overlay?: Overlay;
  /** The calculation's one clock, epoch milliseconds. */
  readonly asOf: number;
  readonly watch: Readonly<Stopwatch>;
}

/** Accumulates the milliseconds of the phases that lie before the query. */
export interface Stopwatch {
  freshen: number;
  compile: number;
}

interface Options {
  /** Whether `work` can do with an overlay where a few changes are pending. */
  readonly overlay: boolean;
}

type Catalogued = Awaited<ReturnType<typeof loadCatalogue>>;

/**
 * Runs `work` in one repeatable-read transaction in which the bitmaps that the condition reads are exactly the rows, with the overlay
 * if there is one. Where something is pending that no overlay corrects, the transaction begins again under the workspace's
 * fold lock and first folds what the condition needs.
 *
 * @param load reads the subject; the transaction's first statement
 */
export const inFreshTransaction = async <S extends Subject, T>(
  client: pg.ClientBase,
  workspaceId: number,
  load: (client: pg.ClientBase) => Promise<S>,
  work: (compiled: Compiled<S>) => Promise<T>,
  options: Options,
): Promise<T> => {
  const watch: Stopwatch = { freshen: 0, compile: 0 };
  const first = await attempt(client, workspaceId, load, work, options, watch, false);
  if (first !== PENDING) return first;
  const waiting = performance.now();
  const second = await withFoldLock(client, workspaceId, () => {
    watch.freshen += performance.now() - waiting;
    return attempt(client, workspaceId, load, work, options, watch, true);
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
  options: Options,
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
      const loaded = (): Promise<Catalogued> => limited(() => loadCatalogue(client, workspaceId, named));
      let catalogue = await loaded();
      lap('compile');
      if (catalogue.crowded || (catalogue.pending && !options.overlay)) {
        if (!folding) return PENDING;
        const { propertyIds, eventIds } = catalogue;
        await fold(client, { workspaceId, propertyIds, eventIds });
        lap('freshen');
        // Folding may have given columns, widths and codes that were not there before.
        catalogue = await loaded();
      }
      const membership = compile(subject.condition, catalogue, asOf);
      lap('compile');
      const overlay = catalogue.pending ? { overlay: { ...catalogue, condition: subject.condition, asOf } } : {};
      return limited(() => work({ subject, membership, catalogue, asOf, watch, ...overlay }));
    },
    { isolation: 'repeatable read' },
  );
};
