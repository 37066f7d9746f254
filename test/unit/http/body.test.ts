import { createServer, request as send, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { CallerGone, readBytes, readJson } from '../../../src/http/body.ts';

const LIMIT = 1_000_000;

let server: Server;
let outcome: (value: unknown) => void;

beforeAll(async () => {
  server = createServer((request, response) => {
    const read = request.url === '/bytes' ? readBytes(request, LIMIT) : readJson(request, { maxBytes: LIMIT });
    read
      .then(
        (value) => outcome(value),
        (error: unknown) => outcome(error),
      )
      .finally(() => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** What the reader makes of such a request. */
const read = (
  body: Buffer | string,
  headers: Record<string, string> = {},
  { path = '/', breakAfter }: { path?: string; breakAfter?: number } = {},
): Promise<unknown> =>
  new Promise((resolve) => {
    outcome = resolve;
    const { port } = server.address() as AddressInfo;
    const bytes = Buffer.from(body);
    const request = send({
      port,
      host: '127.0.0.1',
      path,
      method: 'POST',
      headers: { ...('transfer-encoding' in headers ? {} : { 'content-length': bytes.length }), ...headers },
    });
    request.on('error', () => undefined);
    if (breakAfter === undefined) request.end(bytes);
    else {
      request.write(bytes.subarray(0, breakAfter));
      setTimeout(() => request.destroy(), 50);
    }
  });

const JSON_TEXT = '{"name":"Zoë 😀"}';

describe('bodies', () => {
  it.each([
    ['as it is', Buffer.from(JSON_TEXT), {}],
    ['gzip', gzipSync(JSON_TEXT), { 'content-encoding': 'gzip' }],
    ['deflate', deflateSync(JSON_TEXT), { 'content-encoding': 'deflate' }],
    ['br', brotliCompressSync(JSON_TEXT), { 'content-encoding': 'br' }],
    [
      'GZIP with a charset',
      gzipSync(JSON_TEXT),
      { 'content-encoding': 'GZIP', 'content-type': 'application/json; charset=UTF-8' },
    ],
    ['text/plain', Buffer.from(JSON_TEXT), { 'content-type': 'text/plain' }],
  ])('reads JSON: %s', async (_name, body, headers) => {
    expect(await read(body, headers as Record<string, string>)).toEqual({ name: 'Zoë 😀' });
  });

  it.each([
    ['nothing', '', {}, 400],
    ['half of it', '{"a":', {}, 400],
    ['a key twice', '{"a":1,"a":2}', {}, 400],
    ['half a surrogate pair', '{"a":"\\ud800"}', {}, 400],
    ['NUL', '{"a":"\\u0000"}', {}, 400],
    ['latin-1', Buffer.from('{"a":"Zo\xeb"}', 'latin1'), {}, 400],
    ['truncated gzip', gzipSync(JSON_TEXT.repeat(10)).subarray(0, 20), { 'content-encoding': 'gzip' }, 400],
    ['what is no gzip', JSON_TEXT, { 'content-encoding': 'gzip' }, 400],
    ['what is no brotli', 'x'.repeat(100), { 'content-encoding': 'br' }, 400],
    ['an unknown encoding', JSON_TEXT, { 'content-encoding': 'zstd' }, 415],
    ['XML', '<a/>', { 'content-type': 'application/xml' }, 415],
    ['another charset', JSON_TEXT, { 'content-type': 'application/json; charset=utf-16' }, 415],
    ['too much', 'x'.repeat(LIMIT + 1), {}, 413],
  ])('refuses %s', async (_name, body, headers, status) => {
    expect(await read(body, headers as Record<string, string>)).toMatchObject({ name: 'EvenkeelError', status });
  });

  it('stops to unpack a gzip bomb at the limit', async () => {
    // 256 MB of zeros in 256 KB.
    const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024));
    const before = process.memoryUsage().rss;
    expect(await read(bomb, { 'content-encoding': 'gzip' })).toMatchObject({ status: 413, code: 'too_large' });
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  });

  it('counts what is sent without a length', async () => {
    expect(await read('x'.repeat(LIMIT + 1), { 'transfer-encoding': 'chunked' }, { path: '/bytes' })).toMatchObject({
      status: 413,
    });
  });

  it('notices a caller who goes away in the middle', async () => {
    expect(await read('x'.repeat(1000), {}, { breakAfter: 500 })).toBeInstanceOf(CallerGone);
    const packed = gzipSync(Buffer.from(JSON_TEXT.repeat(100)));
    expect(await read(packed, { 'content-encoding': 'gzip' }, { breakAfter: 20 })).toBeInstanceOf(CallerGone);
  });
});
