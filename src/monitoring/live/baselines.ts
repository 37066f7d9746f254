import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import type { Judge, JudgedBaseline } from './judge.ts';

const WRITE = { name: 'monitor-write-baselines', text: sql('monitor-write-baselines') };
const WRITE_CHANGES = { name: 'monitor-write-baseline-changes', text: sql('monitor-write-baseline-changes') };
const READ = { name: 'monitor-read-baselines', text: sql('monitor-read-baselines') };

/** A level that is off by less, in logarithms, is the same baseline: the hour of the day alone moves it. */
const SAME = 0.02;

interface Written {
  readonly definition: number;
  readonly expectedMs: number;
  readonly calculations: number;
  readonly lockedUntil: number | null;
}

const keyOf = ({ workspace, segment }: { workspace: string; segment: string }): string => `${workspace}\0${segment}`;

/** Another baseline, and not only another lock or a few calculations more. */
const isOther = (before: Written | undefined, now: JudgedBaseline): boolean =>
  before === undefined ||
  before.definition !== now.version ||
  (before.calculations === 0) !== (now.calculations === 0) ||
  Math.abs(Math.log(before.expectedMs / now.expectedMs)) > SAME;

/** Keeps in the database what baselines there are and were, for people to read. */
export class BaselineBook {
  readonly #written: Map<string, Written>;

  private constructor(written: Map<string, Written>) {
    this.#written = written;
  }

  static async open(db: Queryable): Promise<BaselineBook> {
    const { rows } = await db.query<
      Omit<Written, 'lockedUntil'> & { workspace: string; segment: string; lockedUntil: Date | null }
    >({ ...READ, values: [] });
    return new BaselineBook(
      new Map(rows.map((row) => [keyOf(row), { ...row, lockedUntil: row.lockedUntil?.getTime() ?? null }])),
    );
  }

  /** Writes what has changed since it was last written: others as new rows, locks in the present ones. */
  async write(db: Queryable, judge: Judge, atMs: number): Promise<void> {
    const changes = judge.baselineHistory();
    const version = changes.at(-1)?.version ?? 0;
    const changed = judge.baselines().filter((now) => {
      const before = this.#written.get(keyOf(now));
      return isOther(before, now) || before?.lockedUntil !== now.lockedUntil;
    });
    const others = changed.map((now) => isOther(this.#written.get(keyOf(now)), now));
    const column = <T>(of: (baseline: JudgedBaseline) => T): T[] => changed.map(of);
    if (changed.length > 0)
      await db.query({
        ...WRITE,
        values: [
          column(({ workspace }) => workspace),
          column(({ segment }) => segment),
          column((baseline) => baseline.version),
          column(({ kinds }) => kinds.join('|')),
          column(({ expectedMs }) => expectedMs),
          column(({ calculations }) => Math.round(calculations)),
          column(({ spread }) => spread),
          column(({ lockedUntil }) => (lockedUntil === null ? null : new Date(lockedUntil))),
          others,
          new Date(atMs),
          version,
        ],
      });
    for (const baseline of changed) this.#written.set(keyOf(baseline), { ...baseline, definition: baseline.version });
    if (changes.length > 0) await db.query({ ...WRITE_CHANGES, values: [JSON.stringify(changes)] });
  }
}
