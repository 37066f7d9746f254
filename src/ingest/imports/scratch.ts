import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { tooLarge } from '../../core/errors.ts';
import { READ_BYTES } from '../limits.ts';
import type { Bytes } from './ids.ts';

/** An upload as `work` gets it: `read` begins at its first byte each time. */
export interface Scratch {
  readonly bytes: number;
  readonly read: () => Bytes;
}

/**
 * Keeps an upload on disk while `work` reads it, so that a caller who sends slowly holds no connection of the database. The file
 * has no name once it is open, and goes with the process whatever happens to it.
 *
 * @throws EvenkeelError 413; what the stream, the file system and `work` give
 */
export const withScratch = async <T>(
  directory: string,
  stream: Readable,
  maxBytes: number,
  work: (scratch: Scratch) => Promise<T>,
): Promise<T> => {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${randomUUID()}.scratch`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    let bytes = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (bytes + chunk.length > maxBytes) throw tooLarge(`the file is larger than ${maxBytes / 1024 ** 3} GiB`);
      for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at, null, bytes + at)).bytesWritten;
      bytes += chunk.length;
    }
    return await work({ bytes, read: () => piecesOf(file) });
  } finally {
    await file.close();
  }
};

async function* piecesOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
