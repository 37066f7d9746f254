import { createReadStream } from 'node:fs';
import { access, type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { MAX_REJECTED_BYTES } from '../limits.ts';
import { CsvReader } from './csv.ts';
import type { ImportOptions } from './options.ts';
import { type FileRecord, PlainLineReader, type RecordReader } from './records.ts';

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
  #bytes = 0;

  constructor(path: string, format: ImportOptions['format']) {
    this.#path = rejectedPath(path);
    this.#format = format;
  }

  async add(rejections: readonly Rejection[]): Promise<void> {
    if (rejections.length === 0 || this.#bytes > MAX_REJECTED_BYTES) return;
    if (this.#file === undefined) {
      this.#file = await open(this.#path, 'w', 0o600);
      if (this.#format === 'csv') await this.#file.appendFile(REJECTED_HEADER);
    }
    const text = rejections.map((each) => formatRejection(this.#format, each)).join('');
    this.#bytes += Buffer.byteLength(text);
    await this.#file.appendFile(text);
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

/** Takes the lines of somebody with one of these names out of a file of rejected lines, where there is one. */
export const eraseFromRejected = async (
  path: string,
  format: ImportOptions['format'],
  names: readonly string[],
): Promise<void> => {
  const file = rejectedPath(path);
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (!isThere) return;
  const copy = `${file}.new`;
  const kept = await open(copy, 'w', 0o600);
  let erased = 0;
  try {
    const reader: RecordReader = format === 'csv' ? new CsvReader() : new PlainLineReader();
    const keep = async (records: readonly FileRecord[]) => {
      const lines = records.filter((record) => !holds(rejectedRecord(format, record), format, names));
      erased += records.length - lines.length;
      if (lines.length > 0) await kept.appendFile(lines.map(({ raw }) => `${raw}\n`).join(''));
    };
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) await keep(reader.push(chunk));
    await keep(reader.end());
    await kept.close();
    if (erased > 0) await rename(copy, file);
    else await unlink(copy);
  } catch (error) {
    await kept.close().catch(() => undefined);
    await unlink(copy).catch(() => undefined);
    throw error;
  }
};

/** The line of the import that a line of the file of rejected lines tells of. */
const rejectedRecord = (format: ImportOptions['format'], { raw, cells }: FileRecord): string => {
  if (format === 'csv') return cells?.[2] ?? raw;
  try {
    return String((JSON.parse(raw) as { record: unknown }).record);
  } catch {
    return raw;
  }
};

/** By whole values where the line can be read, otherwise wherever a name stands in it. */
const holds = (record: string, format: ImportOptions['format'], names: readonly string[]): boolean => {
  if (format === 'csv') {
    const written = names.map((name) => name.replaceAll('"', '""'));
    if (![...names, ...written].some((name) => record.includes(name))) return false;
    const reader = new CsvReader();
    const [line] = [...reader.push(Buffer.from(record)), ...reader.end()];
    return line?.cells === undefined || names.some((name) => line.cells?.includes(name));
  }
  try {
    const values = Object.values(JSON.parse(record) as object).map(String);
    return names.some((name) => values.includes(name));
  } catch {
    return names.some((name) => record.includes(name) || record.includes(JSON.stringify(name).slice(1, -1)));
  }
};
