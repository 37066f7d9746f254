import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { tooLarge } from '../../core/errors.ts';
import { SPOOL_REMAINS_MS } from '../limits.ts';

const UPLOADING = '.uploading';

/**
 * Writes an upload to a file of its own in `directory` and gives its path and size when it is on the disk to stay. Nothing is left
 * where it fails: the stream's own error, EvenkeelError 413, or the file system's.
 */
export const spool = async (
  directory: string,
  extension: string,
  stream: Readable,
  maxBytes: number,
): Promise<{ readonly path: string; readonly bytes: number }> => {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${randomUUID()}.${extension}`);
  const file = await open(path + UPLOADING, 'wx', 0o600);
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(`the file is larger than ${maxBytes / 1024 ** 3} GiB`);
      for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
    }
    await file.sync();
    await file.close();
    await rename(path + UPLOADING, path);
    await syncDirectory(directory);
    return { path, bytes };
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(path + UPLOADING).catch(() => undefined);
    throw error;
  }
};

/** So that the file's name survives a fall of the machine too. Not possible on every platform. */
const syncDirectory = async (directory: string): Promise<void> => {
  const handle = await open(directory, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
};

/** Deletes uploads that never came to their end, as their process died. */
export const removeRemains = async (directory: string): Promise<void> => {
  const names = await readdir(directory).catch(() => []);
  for (const name of names) {
    if (!name.endsWith(UPLOADING)) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && found.mtimeMs < Date.now() - SPOOL_REMAINS_MS) await unlink(path).catch(() => undefined);
  }
};
