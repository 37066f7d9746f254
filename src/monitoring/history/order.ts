import { invalid } from '../../core/errors.ts';

/** Rows that finished at almost the same time may stand in any order: clocks and commits differ. */
export const LATE_TOLERANCE_MS = 5 * 60_000;
/** So many rows may be later than that, such as those of a process that was cut off. More is a file in another order. */
export const MAX_LATE_ROWS = 100;

/** Counts rows that come out of order. */
export class TimeOrder {
  #latest = Number.NEGATIVE_INFINITY;
  #late = 0;
  #first: { readonly line: number; readonly byMs: number } | undefined;

  get late(): number {
    return this.#late;
  }

  /** Throws EvenkeelError at the first row that is one late row too many. */
  take(finishedAt: number, line: number): void {
    if (finishedAt >= this.#latest) {
      this.#latest = finishedAt;
      return;
    }
    const byMs = this.#latest - finishedAt;
    if (byMs <= LATE_TOLERANCE_MS) return;
    this.#late += 1;
    this.#first ??= { line, byMs };
    if (this.#late <= MAX_LATE_ROWS) return;
    throw invalid(
      `the rows are not in the order of finished_at: line ${this.#first.line} is ${span(this.#first.byMs)} earlier than a line before it, and ${MAX_LATE_ROWS} more are like it`,
      {
        hint: 'sort the file, here by its first column: (head -n 1 FILE; tail -n +2 FILE | LC_ALL=C sort -t, -k1,1 -s) > sorted.csv',
      },
    );
  }
}

const span = (ms: number): string => {
  const minutes = ms / 60_000;
  if (minutes < 120) return `${Math.round(minutes)} minutes`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 1440)} days`;
};
