import type { LookupAddress } from 'node:dns';
import { post, PostFailure, type Resolve } from '../../../../src/monitoring/alerts/post.ts';
import { type Receiver, startReceiver } from '../../../support/receiver.ts';

/** What goes out on the wire, against real receivers; where a name leads is given by the test. */

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

const port = (): string => new URL(receiver.url).port;
const leadsTo = (...answers: LookupAddress[][]): Resolve & { readonly asked: string[] } => {
  const asked: string[] = [];
  const resolve: Resolve = (host, _options, done) => {
    asked.push(host);
    done(null, answers[Math.min(asked.length, answers.length) - 1] ?? []);
  };
  return Object.assign(resolve, { asked });
};
const LOOPBACK = { address: '127.0.0.1', family: 4 };
const PUBLIC = { address: '203.0.113.9', family: 4 };
const failure = (url: string, options: { resolve?: Resolve; timeoutMs?: number } = {}): Promise<unknown> =>
  post(new URL(url), '{}', { allowPrivate: false, ...options }).catch((error: unknown) => error);

test.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0x7f000001', '2130706433', '127.1', '0'])(
  'http://%s is refused before anything is sent',
  async (host) => {
    const error = await failure(`http://${host}:${port()}/`);
    expect(error).toBeInstanceOf(PostFailure);
    expect(String(error)).toContain('ALERT_WEBHOOK_ALLOW_PRIVATE');
    expect(receiver.received).toEqual([]);
  },
);

test('a name that leads to a private address, alone or among others, is refused', async () => {
  for (const addresses of [[LOOPBACK], [{ address: '2606:4700::1111', family: 6 }, LOOPBACK]]) {
    const error = await failure(`http://hooks.example:${port()}/`, { resolve: leadsTo(addresses) });
    expect(String(error)).toContain('hooks.example is at 127.0.0.1, a private or special address');
  }
  expect(receiver.received).toEqual([]);
});

test('a name is asked for once, so that it cannot lead elsewhere once it was checked', async () => {
  const resolve = leadsTo([{ address: '2606:4700::1111', family: 6 }], [LOOPBACK]);
  const error = await failure(`http://hooks.example:${port()}/`, { resolve, timeoutMs: 300 });
  expect(error).toBeInstanceOf(PostFailure);
  expect(resolve.asked).toEqual(['hooks.example']);
  expect(receiver.received).toEqual([]);
});

test('an address of a documentation network is special too', async () => {
  expect(String(await failure('http://hooks.example/', { resolve: leadsTo([PUBLIC]) }))).toContain('203.0.113.9');
});

test('private addresses are allowed where the setting says so', async () => {
  const answer = await post(new URL(`http://localhost:${port()}/x?y=1`), '{"a":1}', { allowPrivate: true });
  expect(answer).toEqual({ status: 200, text: 'ok', retryAfterMs: null });
  expect(receiver.received).toMatchObject([{ path: '/x?y=1', json: { a: 1 } }]);
});

test('a user and password of the URL are sent, and told to nobody', async () => {
  await post(new URL(`http://ada:s%20ecret@127.0.0.1:${port()}/`), '{}', { allowPrivate: true });
  expect(receiver.received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ada:s ecret').toString('base64')}`);
  const error = await failure(`http://ada:secret@127.0.0.1:${port()}/token`);
  expect(String(error)).not.toMatch(/secret|token|ada/);
});

test('a redirect is an answer like any other', async () => {
  const elsewhere = await startReceiver();
  try {
    receiver.answer((response) => response.writeHead(302, { location: elsewhere.url }).end());
    const answer = await post(new URL(receiver.url), '{}', { allowPrivate: true });
    expect(answer.status).toBe(302);
    expect(elsewhere.received).toEqual([]);
  } finally {
    await elsewhere.stop();
  }
});

test('who does not answer in time has failed; who has said its status has not', async () => {
  receiver.answer(() => undefined);
  const silent = await post(new URL(receiver.url), '{}', { allowPrivate: true, timeoutMs: 200 }).catch(String);
  expect(silent).toContain('did not answer within 0.2 s');
  receiver.answer((response) => void response.writeHead(200).write('begun'));
  const slow = await post(new URL(receiver.url), '{}', { allowPrivate: true, timeoutMs: 500 });
  expect(slow).toMatchObject({ status: 200, text: 'begun' });
});

test('what is not HTTP, and nobody at all, are failures that say which', async () => {
  const closed = await startReceiver();
  await closed.stop();
  expect(await post(new URL(closed.url), '{}', { allowPrivate: true }).catch(String)).toContain('ECONNREFUSED');
  receiver.answer((response) => response.socket?.end('not http at all\r\n\r\n'));
  expect(await post(new URL(receiver.url), '{}', { allowPrivate: true }).catch(String)).toContain('127.0.0.1');
  expect(String(await failure('http://does-not-exist.invalid/'))).toContain('does-not-exist.invalid');
});

test.each([
  ['120', 120_000],
  ['0', null],
  ['-5', null],
  ['999999999', 3_600_000],
  ['soon', null],
])('Retry-After: %s', async (header, retryAfterMs) => {
  receiver.answer((response) => response.writeHead(503, { 'retry-after': header }).end());
  expect(await post(new URL(receiver.url), '{}', { allowPrivate: true })).toMatchObject({ status: 503, retryAfterMs });
});
