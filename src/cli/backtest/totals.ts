import type { Observation } from '../../monitoring/types.ts';

/** What a history holds as a whole. */
export class Totals {
  calculations = 0;
  #from = Number.POSITIVE_INFINITY;
  #to = Number.NEGATIVE_INFINITY;
  readonly #segments = new Map<string, Set<string>>();

  take({ finishedAt, workspace, segment }: Observation): void {
    this.calculations += 1;
    if (finishedAt < this.#from) this.#from = finishedAt;
    if (finishedAt > this.#to) this.#to = finishedAt;
    const known = this.#segments.get(workspace);
    if (known === undefined) this.#segments.set(workspace, new Set([segment]));
    else known.add(segment);
  }

  get segments(): number {
    let count = 0;
    for (const { size } of this.#segments.values()) count += size;
    return count;
  }

  /** Epoch milliseconds of the earliest and the latest; null where there was nothing. */
  get from(): number | null {
    return this.calculations === 0 ? null : this.#from;
  }

  get to(): number | null {
    return this.calculations === 0 ? null : this.#to;
  }
}
