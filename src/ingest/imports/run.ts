import { type FileHandle, open, unlink } from 'node:fs/promises';
import type pg from 'pg';
import { EvenkeelError, invalid } from '../../core/errors.ts';
import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import { applyRequests } from '../apply.ts';
import {
  DETECTION_BYTES,
  DETECTION_ROWS,
  IMPORT_BATCH_BYTES,
  IMPORT_BATCH_LINES,
  MAX_REJECTED_LINES,
  MAX_REPORTED_ERRORS,
  PROGRESS_MS,
  READ_BYTES,
} from '../limits.ts';
import type { Operation } from '../operations.ts';
import { readerOf, readHeader } from './columns.ts';
import { CsvReader } from './csv.ts';
import { csvLines, ndjsonLines, type ReadRecord } from './lines.ts';
import type { ImportOptions } from './options.ts';
import { type FileRecord, PlainLineReader, type RecordReader } from './records.ts';
import { RejectedLines, type Rejection } from './rejected.ts';

const PROGRESS = sql('ingest-import-progress');
const FINISH = sql('ingest-finish-import');

export interface ImportTask {
  readonly id: number;
  /** Whose import it is; another process may take it over when this one falls silent. */
  readonly processId: string;
}
export interface ImportEnd {
  /** `lost`: another process runs it now. */
  readonly outcome: 'succeeded' | 'failed' | 'lost';
  readonly workspaceId: number;
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly durationMs: number;
  /** From when it was acknowledged until all of it is visible. */
  readonly visibleAfterMs: number;
}

interface Row {
  readonly workspace_id: number;
  readonly options: ImportOptions;
  readonly path: string;
  readonly waited_ms: number;
}

const LOST: ImportEnd = {
  outcome: 'lost',
  workspaceId: 0,
  rows: 0,
  accepted: 0,
  rejected: 0,
  durationMs: 0,
  visibleAfterMs: 0,
};

/**
 * Imports the spooled file of a claimed import, from its beginning to its end, in memory that does not grow with the file. While
 * one batch of lines is applied the next one is read. Doing it again, whole or after a part, changes nothing more.
 *
 * Where the file is not what the options say, the import fails and says why. Throws what PostgreSQL or the file system give: then
 * the import is to be run again.
 */
export const runImport = async (pool: pg.Pool, { id, processId }: ImportTask): Promise<ImportEnd> => {
  const started = performance.now();
  const { rows } = await pool.query<Row>(
    `select workspace_id, options, path,
            extract(epoch from clock_timestamp() - requested_at)::float8 * 1000 as waited_ms
       from imports where id = $1::bigint and process_id = $2::uuid and state = 'running'`,
    [id, processId],
  );
  const row = rows[0];
  if (row === undefined) return LOST;
  const run = new Run(pool, row, { id, processId });
  const outcome = await run.all();
  const { rows: lines, accepted, rejected } = run;
  const durationMs = performance.now() - started;
  return {
    outcome,
    workspaceId: row.workspace_id,
    rows: lines,
    accepted,
    rejected,
    durationMs,
    visibleAfterMs: row.waited_ms + durationMs,
  };
};

class TakenOver extends Error {}

interface Batch {
  readonly records: FileRecord[];
  readonly requests: Operation[][];
  readonly rejections: Rejection[];
  bytes: number;
  /** Of the file, when this batch was read. */
  bytesRead: number;
}

class Run {
  rows = 0;
  accepted = 0;
  rejected = 0;
  readonly #errors: { line: number; reason: string }[] = [];
  readonly #pool: pg.Pool;
  readonly #row: Row;
  readonly #task: ImportTask;
  readonly #rejectedLines: RejectedLines;
  #applying: Promise<void> = Promise.resolve();
  #bytesRead = 0;
  #progressAt = performance.now();
  #batch: Batch = newBatch();

  constructor(pool: pg.Pool, row: Row, task: ImportTask) {
    this.#pool = pool;
    this.#row = row;
    this.#task = task;
    this.#rejectedLines = new RejectedLines(row.path, row.options.format);
  }

  async all(): Promise<ImportEnd['outcome']> {
    const { id, processId } = this.#task;
    let problem: EvenkeelError | undefined;
    try {
      try {
        await this.#readFile();
        await this.#flush();
        await this.#applying;
      } catch (error) {
        await this.#applying.catch(() => undefined);
        if (!(error instanceof EvenkeelError) || error.status >= 500) throw error;
        problem = error;
      }
      await this.#rejectedLines.close();
      await this.#saveProgress();
      const error = problem && {
        code: problem.code,
        message: problem.message,
        ...(problem.hint && { hint: problem.hint }),
      };
      const state = problem === undefined ? 'succeeded' : 'failed';
      const values = [id, processId, state, error === undefined ? null : JSON.stringify(error)];
      const { rowCount } = await this.#pool.query(FINISH, values);
      if (rowCount === 0) return 'lost';
      await unlink(this.#row.path).catch(() => undefined);
      return state;
    } catch (error) {
      if (error instanceof TakenOver) return 'lost';
      throw error;
    } finally {
      await this.#rejectedLines.close().catch(() => undefined);
    }
  }

  async #readFile(): Promise<void> {
    const { options, path } = this.#row;
    const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      throw invalid('the uploaded file is gone', { hint: 'upload it again' });
    });
    try {
      if (options.format === 'csv') await this.#readCsv(file, options);
      else {
        const read = ndjsonLines(options);
        for await (const records of this.#records(file, new PlainLineReader())) await this.#take(records, read);
      }
    } finally {
      await file.close();
    }
  }

  async #readCsv(file: FileHandle, options: ImportOptions): Promise<void> {
    let header: ReturnType<typeof readHeader> | undefined;
    let read: ReadRecord | undefined;
    let sample: FileRecord[] = [];
    let bytes = 0;
    const begin = async () => {
      if (header === undefined) throw invalid('the file is empty: its first line must name the columns');
      const { width } = header;
      const rows = sample.flatMap(({ cells }) => (cells?.length === width ? [cells] : []));
      read = csvLines(header, options, readerOf(header, options, rows.slice(0, DETECTION_ROWS)));
      await this.#take(sample, read);
      sample = [];
    };
    for await (const records of this.#records(file, new CsvReader())) {
      if (read !== undefined) {
        await this.#take(records, read);
        continue;
      }
      for (const record of records) {
        if (header !== undefined) {
          sample.push(record);
          bytes += record.raw.length;
          continue;
        }
        if (record.problem !== undefined) throw invalid(`the first line cannot be read: ${record.problem}`);
        if (record.cells?.some((cell) => /\r(?!\n)/.test(cell)))
          throw invalid('lines end with a carriage return alone', {
            hint: 'save the file with line ends of LF or CRLF',
          });
        header = readHeader(record.cells ?? [], options);
      }
      if (sample.length >= DETECTION_ROWS || bytes >= DETECTION_BYTES) await begin();
    }
    if (read === undefined) await begin();
  }

  async *#records(file: FileHandle, reader: RecordReader): AsyncGenerator<FileRecord[]> {
    for (;;) {
      const chunk = Buffer.allocUnsafe(READ_BYTES);
      const { bytesRead } = await file.read(chunk, 0, READ_BYTES);
      if (bytesRead === 0) break;
      this.#bytesRead += bytesRead;
      yield reader.push(chunk.subarray(0, bytesRead));
    }
    yield reader.end();
  }

  async #take(records: readonly FileRecord[], read: ReadRecord): Promise<void> {
    for (const record of records) {
      try {
        this.#batch.requests.push([read(record)]);
        this.#batch.records.push(record);
        this.#batch.bytes += record.raw.length;
      } catch (error) {
        this.#batch.rejections.push({ record, reason: (error as Error).message });
        this.#batch.bytes += record.raw.length;
      }
      const { requests, rejections, bytes } = this.#batch;
      if (requests.length + rejections.length >= IMPORT_BATCH_LINES || bytes >= IMPORT_BATCH_BYTES) await this.#flush();
    }
  }

  /** Waits for the batch before, and begins to apply this one. */
  async #flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = newBatch();
    batch.bytesRead = this.#bytesRead;
    await this.#applying;
    this.#applying = this.#apply(batch);
    // awaited with the next batch; until then nobody may call it unhandled
    this.#applying.catch(() => undefined);
  }

  async #apply({ records, requests, rejections, bytesRead }: Batch): Promise<void> {
    const outcomes = await applyRequests(this.#pool, this.#row.workspace_id, requests, { foldNew: true });
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome === undefined) continue;
      if (!(outcome instanceof EvenkeelError) || outcome.status >= 500) throw outcome;
      rejections.push({ record: records[i] as FileRecord, reason: outcome.message });
    }
    rejections.sort((a, b) => a.record.line - b.record.line);
    await this.#rejectedLines.add(rejections);
    this.rows += requests.length + rejections.length - outcomes.filter((outcome) => outcome !== undefined).length;
    this.rejected += rejections.length;
    this.accepted = this.rows - this.rejected;
    for (const { record, reason } of rejections.slice(0, MAX_REPORTED_ERRORS - this.#errors.length))
      this.#errors.push({ line: record.line, reason });
    this.#savedBytes = bytesRead;
    if (this.rejected > MAX_REJECTED_LINES)
      throw invalid(`more than ${MAX_REJECTED_LINES} lines were rejected`, {
        hint: 'the reasons tell whether it is the wrong file, format or column; what was accepted stays',
      });
    if (performance.now() - this.#progressAt >= PROGRESS_MS) await this.#saveProgress();
  }
  #savedBytes = 0;

  async #saveProgress(): Promise<void> {
    this.#progressAt = performance.now();
    const { id, processId } = this.#task;
    const counts = [this.#savedBytes, this.rows, this.accepted, this.rejected];
    const values = [id, processId, ...counts, JSON.stringify(this.#errors)];
    const { rowCount } = await (this.#pool as Queryable).query(PROGRESS, values);
    if (rowCount === 0) throw new TakenOver();
  }
}

const newBatch = (): Batch => ({ records: [], requests: [], rejections: [], bytes: 0, bytesRead: 0 });
