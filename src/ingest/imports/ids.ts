import { type EvenkeelError, invalid, malformed } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { didYouMean } from '../../core/suggest.ts';
import { describe, quote } from '../../core/text.ts';
import { IDS_BATCH, MAX_IDS, MAX_JSON_LIST_BYTES, MAX_NAMED_LINES } from '../limits.ts';
import { idProblem } from '../messages.ts';
import { isObject } from '../properties.ts';
import { isBlank } from './cells.ts';
import { CsvReader } from './csv.ts';
import { type FileRecord, PlainLineReader, type RecordReader } from './records.ts';

export const ID_FORMATS = ['csv', 'ndjson', 'text', 'json'] as const;
export type IdFormat = (typeof ID_FORMATS)[number];

export interface IdOptions {
  readonly format: IdFormat;
  /** CSV: the column of the userId; NDJSON: the field. */
  readonly column?: string;
}

/** A file, piece by piece. */
export type Bytes = AsyncIterable<Buffer>;

const DEFAULT_COLUMN = 'userId';

/**
 * The userIds of a file, in batches: a column of a CSV with a header; of NDJSON a string, a whole number or an object a line; of text
 * a line each; of JSON a list of strings, or `{"userIds":[…]}`. Nothing is trimmed. Empty lines hold nobody.
 *
 * @throws EvenkeelError 422 with the numbers and faults of the first bad lines, where there are any: a list is taken as a whole or
 *   not at all; 413 for more than MAX_IDS
 */
export async function* readIds(file: Bytes, options: IdOptions): AsyncGenerator<string[]> {
  const faults = new Faults();
  let batch: string[] = [];
  let seen = 0;
  for await (const found of options.format === 'json' ? readJsonList(file) : readLines(file, options)) {
    seen += 1;
    if (seen > MAX_IDS) throw invalid(`a list holds at most ${MAX_IDS} ids`, { hint: 'nothing was changed' });
    const { place, id, problem = idProblem(id) } = found;
    if (problem !== undefined) faults.add(place, found.problem ?? `the id must ${problem}`);
    else if (faults.none) batch.push(id as string);
    if (batch.length < IDS_BATCH) continue;
    yield batch;
    batch = [];
  }
  faults.raise();
  if (batch.length > 0) yield batch;
}

/** What stands at one place of a file: an id, or why there is none. */
interface Found {
  readonly place: string;
  readonly id?: unknown;
  readonly problem?: string;
}

/** The first few bad lines; one more, and they are told. */
class Faults {
  readonly #found: { place: string; problem: string }[] = [];

  get none(): boolean {
    return this.#found.length === 0;
  }

  add(place: string, problem: string): void {
    this.#found.push({ place, problem });
    if (this.#found.length === MAX_NAMED_LINES) throw this.#error();
  }

  raise(): void {
    if (!this.none) throw this.#error();
  }

  #error(): EvenkeelError {
    return invalid(this.#found.map(({ place, problem }) => `${place}: ${problem}`).join('; '), {
      ...(this.#found[0] === undefined ? {} : { path: this.#found[0].place }),
      hint: 'nothing was changed: mend the file and send it again',
    });
  }
}

async function* readLines(file: Bytes, { format, column }: IdOptions): AsyncGenerator<Found> {
  const reader = format === 'csv' ? new CsvReader() : new PlainLineReader();
  const read = format === 'csv' ? csvIds(column) : format === 'ndjson' ? ndjsonIds(column) : textId;
  for await (const records of recordsOf(file, reader))
    for (const record of records) {
      const found = read(record);
      if (found !== undefined) yield { place: `line ${record.line}`, ...found };
    }
  if (format === 'csv' && reader instanceof CsvReader) read(undefined);
}

async function* recordsOf(file: Bytes, reader: RecordReader): AsyncGenerator<FileRecord[]> {
  for await (const chunk of file) yield reader.push(chunk);
  yield reader.end();
}

type Read = (record: FileRecord | undefined) => Omit<Found, 'place'> | undefined;

/** Of a CSV's header nothing is given; called without a record at the end. */
const csvIds = (column: string | undefined): Read => {
  let at: number | undefined;
  let width = 0;
  return (record) => {
    if (record === undefined) {
      if (at === undefined) throw invalid('the file is empty: its first line must name the columns');
      return undefined;
    }
    const { cells = [], problem } = record;
    if (at === undefined) {
      if (problem !== undefined) throw invalid(`the first line cannot be read: ${problem}`, { path: 'line 1' });
      at = columnOf(cells, column);
      width = cells.length;
      return undefined;
    }
    if (problem !== undefined) return { problem };
    if (cells.length !== width) return { problem: `it has ${cells.length} cells where the header has ${width}` };
    const id = cells[at] as string;
    return isBlank(id) ? { problem: 'the id is empty' } : { id };
  };
};

const columnOf = (cells: readonly string[], column = DEFAULT_COLUMN): number => {
  const names = cells.map((cell) => cell.trim());
  const at = names.indexOf(column);
  if (at < 0)
    throw invalid(`there is no column ${quote(column)} in the first line`, {
      path: 'column',
      hint:
        didYouMean(column, names).hint ??
        `name the column that holds the userId; there is ${names.slice(0, 5).map(quote).join(', ')}`,
    });
  if (names.indexOf(column, at + 1) >= 0) throw invalid(`two columns are named ${quote(column)}`, { path: 'column' });
  return at;
};

const textId: Read = (record) => {
  const { raw = '', problem } = record ?? {};
  if (problem !== undefined) return { problem };
  return isBlank(raw) ? { problem: 'the id is empty' } : { id: raw };
};

const ndjsonIds =
  (column = DEFAULT_COLUMN): Read =>
  (record) => {
    const { raw = '', problem } = record ?? {};
    if (problem !== undefined) return { problem };
    let value: unknown;
    try {
      value = parseJson(raw);
    } catch (error) {
      return { problem: (error as Error).message };
    }
    return { id: plain(isObject(value) ? value[column] : value) };
  };

/** Whole numbers are ids as they are written. */
const plain = (value: unknown): unknown => (Number.isSafeInteger(value) ? String(value) : value);

async function* readJsonList(file: Bytes): AsyncGenerator<Found> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of file) {
    bytes += chunk.length;
    if (bytes > MAX_JSON_LIST_BYTES)
      throw invalid(`a list as JSON takes at most ${MAX_JSON_LIST_BYTES / 1024 / 1024} MiB`, {
        hint: 'send it as CSV, NDJSON or plain text',
      });
    parts.push(chunk);
  }
  const value = parsed(Buffer.concat(parts));
  const list = isObject(value) ? value['userIds'] : value;
  if (!Array.isArray(list)) throw invalid(`expected a list of userIds, or {"userIds":[…]}, not ${describe(list)}`);
  for (const [i, id] of list.entries()) yield { place: `userIds[${i}]`, id: plain(id) };
}

const parsed = (bytes: Buffer): unknown => {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed('the body is not UTF-8');
  }
  return parseJson(text);
};
