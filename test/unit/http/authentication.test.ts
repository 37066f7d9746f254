import type { IncomingMessage } from 'node:http';
import { checkHost, checkOrigin, keyOf } from '../../../src/http/authentication.ts';

const request = (headers: Record<string, string>, method = 'GET') =>
  ({ headers, method }) as unknown as IncomingMessage;
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('keys', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer abc', 'abc'],
    ['Bearer  abc ', 'abc'],
    [basic('abc:'), 'abc'],
    [basic('abc:ignored:too'), 'abc'],
    [basic('abc'), 'abc'],
    [basic(':password'), undefined],
    ['Basic', undefined],
    ['Bearer', undefined],
    ['Bearer a b', undefined],
    ['Digest abc', undefined],
    ['', undefined],
  ])('%s carries %s', (authorization, key) => {
    expect(keyOf(request({ authorization }))).toBe(key);
  });
});

describe('where requests come from', () => {
  it.each(['localhost', 'localhost:3000', 'LOCALHOST:3000', '127.0.0.1:3000', '[::1]:3000', '[::1]'])(
    'answers as %s',
    (host) => {
      expect(() => checkHost(request({ host }))).not.toThrow();
    },
  );
  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example:3000',
    '192.168.0.5:3000',
    '',
    'localhost:3000:1',
  ])('does not answer as "%s"', (host) => {
    expect(() => checkHost(request({ host }))).toThrow(/answers only as localhost/);
  });

  it('lets nobody’s page but its own change anything', () => {
    const host = 'localhost:3000';
    expect(() => checkOrigin(request({ host, origin: 'http://localhost:3000' }, 'POST'))).not.toThrow();
    expect(() => checkOrigin(request({ host }, 'POST'))).not.toThrow();
    expect(() => checkOrigin(request({ host, origin: 'https://evil.example' }, 'GET'))).not.toThrow();
    for (const origin of ['https://evil.example', 'http://localhost:3001', 'null'])
      expect(() => checkOrigin(request({ host, origin }, 'DELETE'))).toThrow(/pages of other sites/);
  });
});
