import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { EvenkeelError, malformed, tooLarge } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';

/** A body that is not a file and takes longer than this to arrive is given up. */
const BODY_TIMEOUT_MS = 60_000;
/** A longer one is worth the streams that bound it, and that others are read by. */
const MAX_PLAIN_BYTES = 64 * 1024;
/** How long the rest of a refused body is read. */
const DISCARD_MS = 10_000;
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

const DECOMPRESSORS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

const decompressor = (request: IncomingMessage): Transform | undefined => {
  const encoding = (request.headers['content-encoding'] ?? '').trim().toLowerCase();
  if (encoding === '' || encoding === 'identity') return undefined;
  if (!Object.hasOwn(DECOMPRESSORS, encoding))
    throw new EvenkeelError(
      415,
      'unsupported_encoding',
      `Content-Encoding "${encoding.slice(0, 64)}" is not supported`,
      {
        hint: 'send gzip, deflate, br or no compression',
      },
    );
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
  bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MB` : `${Math.round(bytes / 1024)} KB`;

/** What a broken stream means to its caller. */
const streamProblem = (error: NodeJS.ErrnoException): Error => {
  if (error instanceof EvenkeelError || error instanceof CallerGone) return error;
  if (
    error.code?.startsWith('Z_') ||
    error.code?.startsWith('ERR__ERROR_FORMAT') ||
    error.code?.startsWith('ERR_BROTLI') ||
    error.code?.startsWith('ERR__')
  )
    return malformed('the body is not what Content-Encoding says, or it ends too early');
  return new CallerGone(error.message);
};

/**
 * What is left of a request that is answered already is read and thrown away: closing the connection would lose the
 * answer, and leaving it would hold up the next request of the connection. Whoever goes on sending is cut off.
 */
const discard = (request: IncomingMessage): void => {
  request.unpipe();
  if (request.complete || request.destroyed) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), DISCARD_MS);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
  request.once('end', () => clearTimeout(timer));
};

/**
 * The body as bytes: decompressed, of at most `maxBytes`, with every failure an error that says what it is (`EvenkeelError`
 * for what the caller did wrong, `CallerGone` where the connection broke).
 */
export const bodyStream = (request: IncomingMessage, maxBytes: number): Readable => {
  const unpack = decompressor(request);
  const declared = Number(request.headers['content-length'] ?? 0);
  if (unpack === undefined && declared > maxBytes) throw tooLarge(`the body is larger than ${readableBytes(maxBytes)}`);
  const limit = bounded(maxBytes);
  const result = new PassThrough();
  // It may fail before its reader has begun; the reader learns of it then, and nobody else has to.
  result.on('error', () => undefined);
  const settle = (error: NodeJS.ErrnoException): void => {
    discard(request);
    unpack?.destroy();
    limit.destroy();
    result.destroy(streamProblem(error));
  };
  unpack?.on('error', settle);
  limit.on('error', settle);
  request.once('error', settle);
  request.once('close', () => {
    if (!request.complete) settle(new CallerGone('the caller closed the connection'));
  });
  const source = unpack === undefined ? request : request.pipe(unpack);
  source.pipe(limit).pipe(result);
  // A reader that stops reading, such as one that has seen enough, must not leave the rest piled up.
  result.once('close', () => discard(request));
  return result;
};

const tooSlow = (): EvenkeelError =>
  new EvenkeelError(408, 'timeout', `the body did not arrive within ${BODY_TIMEOUT_MS / 1000} s`);

/** Whether a body says how long it is, is short, and is sent as it is: nothing is to be unpacked or bounded. */
const isPlain = ({ headers }: IncomingMessage, maxBytes: number): boolean =>
  headers['content-encoding'] === undefined &&
  headers['content-length'] !== undefined &&
  Number(headers['content-length']) <= Math.min(maxBytes, MAX_PLAIN_BYTES);

/** A plain body, without the streams that others go through. */
const readPlain = (request: IncomingMessage): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const take = (part: Buffer): void => void parts.push(part);
    const fail = (error: Error): void => {
      settle();
      discard(request);
      reject(error);
    };
    const done = (): void => {
      settle();
      resolve(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
    };
    const gone = (): void => fail(new CallerGone('the caller closed the connection'));
    const broken = (error: Error): void => fail(streamProblem(error));
    const timer = setTimeout(() => fail(tooSlow()), BODY_TIMEOUT_MS);
    const settle = (): void => {
      clearTimeout(timer);
      request.off('data', take).off('end', done).off('error', broken).off('close', gone);
      // What breaks later is nobody's concern here.
      request.on('error', () => undefined);
    };
    if (request.destroyed) gone();
    else request.on('data', take).on('end', done).on('error', broken).on('close', gone);
  });

/** The whole body. */
export const readBytes = async (request: IncomingMessage, maxBytes: number): Promise<Buffer> => {
  if (isPlain(request, maxBytes)) return readPlain(request);
  const stream = bodyStream(request, maxBytes);
  const timer = setTimeout(() => stream.destroy(tooSlow()), BODY_TIMEOUT_MS);
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
    throw new EvenkeelError(415, 'unsupported_type', `charset "${charset.slice(0, 64)}" is not supported`, {
      hint: 'send UTF-8',
    });
  const bytes = await readBytes(request, maxBytes);
  if (bytes.length === 0 && optional) return {};
  if (bytes.length === 0) throw malformed('the body is empty; it must be JSON');
  return parseJson(decodeUtf8(bytes));
};
