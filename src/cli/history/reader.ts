import { invalid } from '../../core/errors.ts';
import { CsvReader } from '../../ingest/imports/csv.ts';
import type { FileRecord } from '../../ingest/imports/records.ts';
import { historyRows, readHistoryHeader } from '../../monitoring/history/rows.ts';
import type { Observation } from '../../monitoring/types.ts';

/**
 * Takes a history piece by piece and gives its observations. Throws EvenkeelError at the first line that is none.
 *
 * The imports' reader is fast enough: a way of its own for lines without quotes was tried and took as long. Decision 0032.
 */
export class HistoryReader {
  readonly #csv = new CsvReader();
  readonly #take: (observation: Observation, line: number) => void;
  #row: ((cells: readonly string[], line: number) => Observation) | undefined;

  constructor(take: (observation: Observation, line: number) => void) {
    this.#take = take;
  }

  push(piece: Buffer): void {
    this.#records(this.#csv.push(piece));
  }

  /** Throws EvenkeelError where there was not even a header. */
  end(): void {
    this.#records(this.#csv.end());
    if (this.#row === undefined) throw invalid('it is empty: its first line must name the columns');
  }

  #records(records: readonly FileRecord[]): void {
    for (const { line, cells, problem } of records) {
      if (problem !== undefined || cells === undefined)
        throw invalid(`line ${line}: ${problem ?? 'it cannot be read'}`);
      if (this.#row === undefined) this.#row = historyRows(readHistoryHeader(cells));
      else this.#take(this.#row(cells, line), line);
    }
  }
}
