import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { EvenkeelError } from '../../core/errors.ts';
import type { Observation } from '../../monitoring/types.ts';
import { HistoryReader } from './reader.ts';

const PIECE_BYTES = 256 * 1024;
/** Stands for the standard input, or the standard output. */
export const STANDARD_STREAM = '-';

export interface ReadHistory {
  readonly file: string;
  readonly take: (observation: Observation, line: number) => void;
  /** What was read of the file, of so many bytes; undefined where that is not known. */
  readonly onProgress?: (bytes: number, ofBytes: number | undefined) => void;
}

/** Streams a history of calculations: a CSV file, one packed as `.gz`, or `-`. Throws EvenkeelError that names the file and the line. */
export const readHistory = async ({ file, take, onProgress }: ReadHistory): Promise<void> => {
  const size = file === STANDARD_STREAM ? undefined : await sizeOf(file);
  const opened = file === STANDARD_STREAM ? undefined : createReadStream(file, { highWaterMark: PIECE_BYTES });
  const source: Readable = opened ?? process.stdin;
  const text = file.endsWith('.gz') ? unpacked(source) : source;
  const reader = new HistoryReader(take);
  try {
    for await (const piece of text) {
      reader.push(piece as Buffer);
      onProgress?.(opened?.bytesRead ?? 0, size);
    }
    reader.end();
  } catch (error) {
    throw told(file, error);
  } finally {
    source.destroy();
  }
};

const unpacked = (source: Readable): Readable => {
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  source.once('error', (error) => gunzip.destroy(error));
  return source.pipe(gunzip);
};

const sizeOf = async (file: string): Promise<number | undefined> => {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new EvenkeelError(404, 'not_found', `${file} does not exist`);
    throw new EvenkeelError(422, 'invalid', `${file} cannot be read: ${error.message}`);
  });
  if (found.isDirectory()) throw new EvenkeelError(422, 'invalid', `${file} is a directory`);
  // a pipe such as <(…) has no size
  return found.isFile() ? found.size : undefined;
};

const told = (file: string, error: unknown): unknown => {
  if (error instanceof EvenkeelError)
    return new EvenkeelError(error.status, error.code, `${file}: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  const { code, message } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && (code.startsWith('Z_') || code === 'EACCES' || code === 'EIO'))
    return new EvenkeelError(422, 'invalid', `${file} cannot be read: ${message}`);
  return error;
};
