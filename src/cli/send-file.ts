import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { EvenkeelError } from '../core/errors.ts';
import type { Client } from './client.ts';
import { formatBytes, type Progress } from './progress.ts';

const sizeOf = async (file: string): Promise<number> => {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new EvenkeelError(404, 'not_found', `${file} does not exist`);
    throw new EvenkeelError(422, 'invalid', `${file} cannot be read: ${error.message}`);
  });
  if (!found.isFile()) throw new EvenkeelError(422, 'invalid', `${file} is not a file`);
  return found.size;
};

export interface Sending {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly contentType: string;
  /** Shown when the service has it all and works on it. */
  readonly afterwards?: string;
}

/** Sends a file to the service as it is; one whose name ends in `.gz` is unpacked there. Gives the answer. */
export const sendFile = async <T>(
  client: Client,
  path: string,
  file: string,
  { method, contentType, afterwards }: Sending,
  progress: Progress,
): Promise<T> => {
  const size = await sizeOf(file);
  let sent = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sent += chunk.length;
      progress.show('Uploading', size === 0 ? 1 : sent / size, `${formatBytes(sent)} of ${formatBytes(size)}`);
      done(null, chunk);
    },
    flush(done) {
      if (afterwards !== undefined) progress.show(afterwards, undefined);
      done();
    },
  });
  const source = createReadStream(file, { highWaterMark: 256 * 1024 });
  source.once('error', (error) => counted.destroy(error));
  const answer = await client.json<T>(path, {
    method,
    stream: source.pipe(counted),
    headers: {
      'content-type': contentType,
      // which node does by itself for methods that usually have a body
      'transfer-encoding': 'chunked',
      ...(file.endsWith('.gz') ? { 'content-encoding': 'gzip' } : {}),
    },
  });
  progress.done();
  return answer;
};
