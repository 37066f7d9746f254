import { type FileHandle, open } from 'node:fs/promises';
import type { ImportOptions } from './options.ts';
import type { FileRecord } from './records.ts';

/** Where the lines that could not be imported are collected. */
export const rejectedPath = (path: string): string => `${path}.rejected`;

export interface Rejection {
  readonly record: FileRecord;
  readonly reason: string;
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** One line of the file of rejected lines: CSV `line,reason,record`, or the same as a JSON object. */
const formatRejection = (format: ImportOptions['format'], { record, reason }: Rejection): string =>
  format === 'csv'
    ? `${record.line},${quoted(reason)},${quoted(record.raw)}\n`
    : `${JSON.stringify({ line: record.line, reason, record: record.raw })}\n`;

export const REJECTED_HEADER = 'line,reason,record\n';

/** Collects rejected lines in a file beside the spooled one, which is made when the first one comes. */
export class RejectedLines {
  readonly #path: string;
  readonly #format: ImportOptions['format'];
  #file: FileHandle | undefined;

  constructor(path: string, format: ImportOptions['format']) {
    this.#path = rejectedPath(path);
    this.#format = format;
  }

  async add(rejections: readonly Rejection[]): Promise<void> {
    if (rejections.length === 0) return;
    if (this.#file === undefined) {
      this.#file = await open(this.#path, 'w', 0o600);
      if (this.#format === 'csv') await this.#file.appendFile(REJECTED_HEADER);
    }
    await this.#file.appendFile(rejections.map((each) => formatRejection(this.#format, each)).join(''));
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
