import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable, Transform, pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { EvenkeelError, malformed, tooLarge } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';

/** A body that is not a file and takes longer than this to arrive is given up. */
const BODY_TIMEOUT_MS = 60_000;
/** A body is read as JSON under these types; SDKs in browsers send text/plain, and curl calls everything a form. */
const JSON_TYPES = new Set([
  '',
  'application/json',
  'text/plain',
  'application/merge-patch+json',
  'application/x-www-form-urlencoded',
]);

/** The caller went away before the request was whole: nobody is left to answer. */
export class CallerGone extends Error {
  override readonly name = 'CallerGone';
}

const DECOMPRESSORS = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress };

const decompressor = (request: IncomingMessage): Transform | undefined => {
  const encoding = (request.headers['content-encoding'] ?? '').trim().toLowerCase();
  if (encoding === '' || encoding === 'identity') return undefined;
  if (!Object.hasOwn(DECOMPRESSORS, encoding))
    throw new EvenkeelError(415, 'unsupported_encoding', `Content-Encoding "${encoding.slice(0, 64)}" is not supported`, {
      hint: 'send gzip, deflate, br or no compression',
    });
  return DECOMPRESSORS[encoding as keyof typeof DECOMPRESSORS]();
};

/** Counts what passes and fails as soon as it is more than `maxBytes`, so that a gzip bomb is never unpacked. */
const bounded = (maxBytes: number): Transform => {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > maxBytes) done(tooLarge(`the body is larger than ${readableBytes(maxBytes)}`));
      else done(null, chunk);
    },
  });
};

const readableBytes = (bytes: number): string =>
  bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${Math.round(bytes / 1000)} KB`;

/** What a broken stream means to its caller. */
const streamProblem = (error: NodeJS.ErrnoException): Error => {
  if (error instanceof EvenkeelError) return error;
  if (error.code?.startsWith('Z_') || error.code?.startsWith('ERR__ERROR_FORMAT') || error.code?.startsWith('ERR_BROTLI') || error.code?.startsWith('ERR__'))
    return malformed('the body is not what Content-Encoding says, or it ends too early');
  return new CallerGone(error.message);
};

/**
 * The body as bytes: decompressed, of at most `maxBytes`, with every failure an error that says what it is (`EvenkeelError`
 * for what the caller did wrong, `CallerGone` where the connection broke).
 */
export const bodyStream = (request: IncomingMessage, maxBytes: number): Readable => {
  const unpack = decompressor(request);
  const declared = Number(request.headers['content-length'] ?? 0);
  if (unpack === undefined && declared > maxBytes) throw tooLarge(`the body is larger than ${readableBytes(maxBytes)}`);
  const result = new PassThrough();
  const settle = (error?: NodeJS.ErrnoException | null) => {
    // What is left of the request is read and thrown away by node after the answer; destroying it would lose the answer.
    request.unpipe();
    if (error) result.destroy(streamProblem(error));
  };
  const limit = bounded(maxBytes);
  const onGone = () => {
    if (!request.complete) settle(new CallerGone('the caller closed the connection'));
  };
  request.once('close', onGone);
  request.once('error', settle);
  if (unpack === undefined) pipeline(limit, result, settle);
  else pipeline(unpack, limit, result, settle);
  request.pipe(unpack ?? limit);
  return result;
};

/** The whole body. */
export const readBytes = async (request: IncomingMessage, maxBytes: number): Promise<Buffer> => {
  const stream = bodyStream(request, maxBytes);
  const timer = setTimeout(
    () => stream.destroy(new EvenkeelError(408, 'timeout', `the body did not arrive within ${BODY_TIMEOUT_MS / 1000} s`)),
    BODY_TIMEOUT_MS,
  );
  try {
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    return Buffer.concat(parts);
  } finally {
    clearTimeout(timer);
  }
};

const decodeUtf8 = (bytes: Buffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed('the body is not UTF-8');
  }
};

/** The body as JSON. Throws 400, 413 or 415. */
export const readJson = async (
  request: IncomingMessage,
  { maxBytes, optional = false }: { readonly maxBytes: number; readonly optional?: boolean },
): Promise<unknown> => {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  if (!JSON_TYPES.has(type.trim()))
    throw new EvenkeelError(415, 'unsupported_type', `Content-Type "${type.trim().slice(0, 64)}" is not JSON`, {
      hint: 'send Content-Type: application/json',
    });
  const charset = parameters.map((parameter) => /^\s*charset="?([^"]*)"?\s*$/.exec(parameter)?.[1]).find(Boolean);
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii')
    throw new EvenkeelError(415, 'unsupported_type', `charset "${charset.slice(0, 64)}" is not supported`, { hint: 'send UTF-8' });
  const bytes = await readBytes(request, maxBytes);
  if (bytes.length === 0 && optional) return {};
  if (bytes.length === 0) throw malformed('the body is empty; it must be JSON');
  return parseJson(decodeUtf8(bytes));
};
