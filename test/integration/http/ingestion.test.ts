import { gzipSync } from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';
import { Analytics } from '@segment/analytics-node';
import { call, OPERATOR_KEY, startTestService, type TestService } from './service.ts';

const calculate = async (
  service: TestService,
  condition: object,
  headers: Record<string, string> = {},
): Promise<string[]> => {
  const key = `s${Math.random().toString(36).slice(2)}`;
  await call(`${service.url}/v1/segments`, { body: { key, name: key, condition }, headers });
  const asked = await call(`${service.url}/v1/segments/${key}/calculations`, { body: { wait: 20_000 }, headers });
  expect([asked.status, asked.json.state, asked.json.error]).toEqual([200, 'succeeded', null]);
  const { text } = await call(`${service.url}/v1/segments/${key}/members`, {
    headers: { accept: 'application/x-ndjson', ...headers },
  });
  const members = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { userId: string }).userId);
  expect(members).toHaveLength(asked.json.members);
  return members.sort();
};

describe('ingestion', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ EVENKEEL_OPERATOR_KEY: OPERATOR_KEY });
  });
  afterAll(() => service.stop());
  const operator = { authorization: `Bearer ${OPERATOR_KEY}` };

  const workspace = async (name: string): Promise<string> =>
    (await call(`${service.url}/v1/workspaces`, { body: { name }, headers: operator })).json.key;

  it('works with the official SDK, with only its host changed', async () => {
    const key = await workspace('sdk');
    const headers = { authorization: `Bearer ${key}` };
    const analytics = new Analytics({ writeKey: key, host: service.url, flushAt: 20 });
    const failures: unknown[] = [];
    analytics.on('error', (error) => failures.push(error));
    for (let n = 0; n < 100; n++) {
      analytics.identify({
        userId: `u${n}`,
        traits: { plan: n % 3 === 0 ? 'pro' : 'free', n, address: { city: 'Paris' } },
      });
      for (let i = 0; i < n % 4; i++)
        analytics.track({ userId: `u${n}`, event: 'Purchase', properties: { amount: 9.5 } });
    }
    analytics.page({ userId: 'u1', name: 'Pricing', properties: { url: '/pricing' } });
    analytics.group({ userId: 'u2', groupId: 'acme', traits: { seats: 5 } });
    analytics.identify({ anonymousId: 'device-1', traits: { plan: 'pro' } });
    await analytics.closeAndFlush();
    expect(failures).toEqual([]);

    const expected = Array.from({ length: 100 }, (_, n) => n)
      .filter((n) => n % 3 === 0 && n % 4 >= 2)
      .map((n) => `u${n}`)
      .sort();
    const condition = {
      type: 'all',
      of: [
        { type: 'property', property: 'plan', operator: 'equals', value: 'pro' },
        { type: 'event', event: 'Purchase', count: { atLeast: 2 }, within: { last: { hours: 1 } } },
      ],
    };
    expect(await calculate(service, condition, headers)).toEqual(expected);
    expect(await calculate(service, { type: 'event', event: 'page' }, headers)).toEqual(['u1']);
    expect(
      await calculate(service, { type: 'property', property: 'group.id', operator: 'equals', value: 'acme' }, headers),
    ).toEqual(['u2']);
    expect((await call(`${service.url}/v1/users/device-1`, { headers })).json.properties).toEqual({ plan: 'pro' });

    // What is known of properties comes from the bitmaps, which the background folds a moment later.
    const known = async () => (await call(`${service.url}/v1/properties`, { headers })).json.properties as unknown[];
    let properties = await known();
    for (const giveUpAt = Date.now() + 15_000; properties.length === 0 && Date.now() < giveUpAt; await sleep(100))
      properties = await known();
    expect(properties).toContainEqual(expect.objectContaining({ property: 'plan', types: ['string'] }));
    // Nothing of it is in another workspace.
    expect((await call(`${service.url}/v1/users/u1`, { headers: operator })).status).toBe(404);
    expect((await call(`${service.url}/v1/properties`, { headers: operator })).json.properties).toEqual([]);
  });

  it('counts a repeat of a messageId once, also in one batch and gzipped', async () => {
    const key = await workspace('repeats');
    const headers = { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` };
    const track = { type: 'track', userId: 'ada', event: 'Purchase', messageId: 'm1' };
    const batch = { batch: [track, track, { ...track, messageId: 'm2' }] };
    for (let i = 0; i < 3; i++) {
      const packed = gzipSync(JSON.stringify(batch));
      const answer = await call(`${service.url}/v1/batch`, {
        body: packed,
        headers: { ...headers, 'content-encoding': 'gzip' },
      });
      expect([answer.status, answer.json]).toEqual([200, { success: true }]);
    }
    const exactly = (count: number) =>
      calculate(service, { type: 'event', event: 'Purchase', count: { exactly: count } }, headers);
    expect(await exactly(2)).toEqual(['ada']);
    expect(await exactly(6)).toEqual([]);
  });

  it('joins two ids with alias', async () => {
    const headers = operator;
    await call(`${service.url}/v1/track`, { body: { anonymousId: 'anon', event: 'Visit' }, headers });
    await call(`${service.url}/v1/identify`, { body: { userId: 'known', traits: { plan: 'pro' } }, headers });
    expect(
      (await call(`${service.url}/v1/alias`, { body: { previousId: 'anon', userId: 'known' }, headers })).json,
    ).toEqual({ success: true });
    expect(await calculate(service, { type: 'event', event: 'Visit' }, headers)).toEqual(['known']);
  });

  it('reads, replaces, merges and erases one user', async () => {
    const headers = operator;
    const url = `${service.url}/v1/users/${encodeURIComponent('zoë/1')}`;
    expect((await call(url, { headers })).status).toBe(404);
    const put = await call(url, { method: 'PUT', body: { properties: { a: 1, b: { c: 2 }, gone: null } }, headers });
    expect([put.status, put.json]).toEqual([
      200,
      expect.objectContaining({ userId: 'zoë/1', properties: { a: 1, b: { c: 2 } } }),
    ]);
    const patched = await call(url, { method: 'PATCH', body: { properties: { a: null, b: { d: 3 } } }, headers });
    expect(patched.json.properties).toEqual({ b: { c: 2, d: 3 } });
    expect((await call(url, { headers })).json.properties).toEqual({ b: { c: 2, d: 3 } });
    expect(
      await calculate(service, { type: 'property', property: 'b.d', operator: 'equals', value: 3 }, headers),
    ).toEqual(['zoë/1']);
    expect((await call(url, { method: 'DELETE', headers })).status).toBe(204);
    expect((await call(url, { headers })).status).toBe(404);
    expect((await call(url, { method: 'DELETE', headers })).status).toBe(404);
    expect(
      await calculate(service, { type: 'property', property: 'b.d', operator: 'equals', value: 3 }, headers),
    ).toEqual([]);
  });

  it('says which message of a batch is wrong, and stores none of it', async () => {
    const good = { type: 'identify', userId: 'half', traits: { a: 1 } };
    const answer = await call(`${service.url}/v1/batch`, {
      body: { batch: [good, { type: 'track', userId: 'half' }] },
      headers: operator,
    });
    expect([answer.status, answer.json.error.path]).toEqual([422, 'batch[1].event']);
    expect((await call(`${service.url}/v1/users/half`, { headers: operator })).status).toBe(404);
    const typo = await call(`${service.url}/v1/batch`, {
      body: { batch: [{ ...good, type: 'identfy' }] },
      headers: operator,
    });
    expect([typo.status, typo.json.error.path, typo.json.error.hint]).toEqual([
      422,
      'batch[0].type',
      'did you mean "identify"?',
    ]);
  });

  it('holds to Segment’s limits', async () => {
    const big = { userId: 'big', traits: { text: 'x'.repeat(33 * 1024) } };
    expect((await call(`${service.url}/v1/identify`, { body: big, headers: operator })).status).toBe(413);
    expect(
      (await call(`${service.url}/v1/batch`, { body: { batch: [{ type: 'identify', ...big }] }, headers: operator }))
        .status,
    ).toBe(413);
    const many = Array.from({ length: 20 }, (_, n) => ({
      type: 'identify',
      userId: `b${n}`,
      traits: { text: 'x'.repeat(30 * 1024) },
    }));
    expect((await call(`${service.url}/v1/batch`, { body: { batch: many }, headers: operator })).status).toBe(413);
  });
});
