import { isUtf8 } from 'node:buffer';
import { MAX_LINE_BYTES } from '../limits.ts';

/** One record of a file: its cells (CSV), or why it cannot be read. */
export interface FileRecord {
  /** The physical line on which it begins, from 1. */
  readonly line: number;
  /** Its text without the line break; of a record that is too long only the beginning. */
  readonly raw: string;
  readonly cells?: readonly string[];
  readonly problem?: string;
}

/** Takes a file piece by piece and gives its records; what it keeps in memory is bounded. */
export interface RecordReader {
  push(chunk: Buffer): FileRecord[];
  end(): FileRecord[];
}

export const LF = 0x0a;
export const CR = 0x0d;
/** Kept of a record that is too long. */
const SHOWN_BYTES = 1024;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

export const NOT_UTF8 = 'it is not UTF-8';
export const HAS_NUL = 'it holds a NUL character';
export const TOO_LONG = `it is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB`;

/** Text of bytes that may be anything. */
export const shown = (bytes: Buffer): string =>
  bytes.length > SHOWN_BYTES ? `${bytes.toString('utf8', 0, SHOWN_BYTES)}…` : bytes.toString('utf8');

/** Why these bytes cannot be text, or undefined. */
export const textProblem = (bytes: Buffer): string | undefined => {
  if (bytes.length > MAX_LINE_BYTES) return TOO_LONG;
  if (!isUtf8(bytes)) return NOT_UTF8;
  return bytes.includes(0) ? HAS_NUL : undefined;
};

export const withoutBom = (bytes: Buffer): Buffer => (bytes.subarray(0, 3).equals(BOM) ? bytes.subarray(3) : bytes);

/**
 * What a reader has not given yet: at most one unfinished record. A line that grows over the limit is given once, as too long, and
 * thrown away up to its end.
 */
export abstract class LineReader implements RecordReader {
  protected line = 1;
  #rest: Buffer = Buffer.alloc(0);
  #skipping = false;
  #begun = false;

  push(chunk: Buffer): FileRecord[] {
    return this.#take(chunk, false);
  }

  end(): FileRecord[] {
    return this.#take(Buffer.alloc(0), true);
  }

  /** Reads whole records from `data`, and gives how many bytes they took; of the last one there may be more to come. */
  protected abstract read(data: Buffer, final: boolean, into: FileRecord[]): number;

  #take(chunk: Buffer, final: boolean): FileRecord[] {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const records: FileRecord[] = [];
    if (!this.#begun) {
      if (data.length < BOM.length && !final) {
        this.#rest = data;
        return records;
      }
      this.#begun = true;
      data = withoutBom(data);
    }
    if (this.#skipping) data = this.#skip(data);
    data = data.subarray(this.read(data, final, records));
    if (data.length > MAX_LINE_BYTES && !final) {
      records.push({ line: this.line, raw: shown(data), problem: TOO_LONG });
      this.#skipping = true;
      data = this.#skip(data);
    }
    // a copy: the piece of the file that it lies in can go
    this.#rest = Buffer.from(data);
    return records;
  }

  #skip(data: Buffer): Buffer {
    const end = data.indexOf(LF);
    if (end < 0) return data.subarray(data.length);
    this.#skipping = false;
    this.line += 1;
    return data.subarray(end + 1);
  }

  /** Lines as they are, without quotes: the quick way. Gives the bytes they took. */
  protected readLines(data: Buffer, into: FileRecord[], cellsOf?: (line: string) => string[]): number {
    if (data.length <= MAX_LINE_BYTES && textProblem(data) === undefined) {
      const lines = data.toString('utf8').split('\n');
      if (lines.at(-1) === '') lines.pop();
      for (const text of lines) {
        const raw = text.endsWith('\r') ? text.slice(0, -1) : text;
        if (raw !== '') into.push(cellsOf ? { line: this.line, raw, cells: cellsOf(raw) } : { line: this.line, raw });
        this.line += 1;
      }
      return data.length;
    }
    for (let at = 0; at < data.length; ) {
      const end = data.indexOf(LF, at);
      const stop = end < 0 ? data.length : end;
      const bytes = data.subarray(at, data[stop - 1] === CR && stop > at ? stop - 1 : stop);
      if (bytes.length > 0) into.push(this.lineOf(bytes, cellsOf));
      this.line += 1;
      at = stop + 1;
    }
    return data.length;
  }

  protected lineOf(bytes: Buffer, cellsOf?: (line: string) => string[]): FileRecord {
    const problem = textProblem(bytes);
    if (problem !== undefined) return { line: this.line, raw: shown(bytes), problem };
    const raw = bytes.toString('utf8');
    return cellsOf ? { line: this.line, raw, cells: cellsOf(raw) } : { line: this.line, raw };
  }
}

/** Every line is a record; empty ones are left out. */
export class PlainLineReader extends LineReader {
  protected override read(data: Buffer, final: boolean, into: FileRecord[]): number {
    const end = final ? data.length : data.lastIndexOf(LF) + 1;
    return end === 0 ? 0 : this.readLines(data.subarray(0, end), into);
  }
}
