import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { call, OPERATOR_KEY, startTestService, type TestService } from './service.ts';

describe('without keys', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.stop());

  it('says that it lives and that it is ready', async () => {
    expect((await call(`${service.url}/healthz`)).json).toEqual({ status: 'ok' });
    expect((await call(`${service.url}/readyz`)).json).toEqual({ status: 'ready' });
  });

  it('gives every answer a request id, its own or the caller’s', async () => {
    const given = await call(`${service.url}/healthz`, { headers: { 'x-request-id': 'abc-1' } });
    expect(given.headers.get('x-request-id')).toBe('abc-1');
    const odd = await call(`${service.url}/healthz`, { headers: { 'x-request-id': 'a b<script>' } });
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['headers that are too large', `GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['what is not HTTP', 'hello\r\n\r\n', 400],
    [
      'a chunk that is none',
      'POST /v1/identify HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n',
      400,
    ],
  ])('answers %s with an error like all others', async (_what, bytes, status) => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.write(bytes);
    const answer = await text(socket);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({
      error: { code: expect.any(String), message: expect.any(String) },
    });
  });

  it('says 404 with what may have been meant, and 405 with what is possible', async () => {
    const unknown = await call(`${service.url}/v1/segmnets`);
    expect([unknown.status, unknown.json.error]).toEqual([
      404,
      { code: 'not_found', message: 'GET /v1/segmnets does not exist', hint: 'did you mean "/v1/segments"?' },
    ]);
    const wrong = await call(`${service.url}/v1/segments`, { method: 'PUT' });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST, GET, HEAD']);
    expect((await call(`${service.url}/v1/segments`, { method: 'OPTIONS' })).status).toBe(204);
    const head = await call(`${service.url}/v1/segments`, { method: 'HEAD' });
    expect([head.status, head.text]).toEqual([200, '']);
  });

  it.each([
    ['/v1/segments/%E0%A4', 400],
    ['/v1/segments/%00', 422],
    ['/v1/segments?limit=%zz', 400],
    ['/v1/segments?limit=x', 422],
    ['/v1/segments?limit=0', 422],
    ['/v1/segments?limit=1&limit=2', 422],
    ['/v1/segments?limti=1', 422],
    ['/v1/segments?cursor=nonsense', 422],
    ['/v1/properties?cursor=%00', 422],
    ['/v1/properties?cursor=nonsense!', 422],
    ['/v1/calculations?state=runing', 422],
    ['/v1/calculations?since=yesterday', 422],
    ['/v1/calculations/clc_0', 422],
    ['/v1/calculations/clc_999', 404],
    ['/v1/calculations/clc_999/events', 404],
    ['/v1/calculations/snp_1', 422],
    ['/v1/snapshots/snp_99999999999999999999', 422],
    [`/v1/segments/${'x'.repeat(300)}`, 422],
  ])('%s is a %i that explains itself', async (path, status) => {
    const answer = await call(service.url + path);
    expect([answer.status, answer.json?.error]).toEqual([
      status,
      expect.objectContaining({ code: expect.any(String), message: expect.any(String) }),
    ]);
    expect(answer.text).not.toMatch(/\bat .*\.ts:/);
  });

  it('says what an unknown query parameter or value may have meant', async () => {
    expect((await call(`${service.url}/v1/segments?limti=1`)).json.error).toEqual({
      code: 'invalid',
      message: 'unknown query parameter "limti"',
      path: 'limti',
      hint: 'did you mean "limit"?',
    });
    expect((await call(`${service.url}/v1/calculations?state=runing`)).json.error.hint).toBe('did you mean "running"?');
  });

  it('answers only by the names of this machine, and not to pages of others', async () => {
    // fetch does not let a caller set Host.
    const { request } = await import('node:http');
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${service.url}/v1/segments`, { headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.once('error', reject);
      asked.end();
    });
    expect(status).toBe(403);
    const body = { name: 'x', condition: { type: 'all', of: [] } };
    expect(
      (await call(`${service.url}/v1/segments`, { body, headers: { origin: 'https://evil.example' } })).status,
    ).toBe(403);
    expect((await call(`${service.url}/v1/segments`, { body, headers: { origin: service.url } })).status).toBe(201);
  });

  it('takes any key for nothing, and has one workspace', async () => {
    expect((await call(`${service.url}/v1/segments`, { headers: { authorization: 'Bearer x' } })).status).toBe(200);
    expect((await call(`${service.url}/v1/segments`, { headers: { 'evenkeel-workspace': 'other' } })).status).toBe(403);
    expect((await call(`${service.url}/v1/workspaces`, { body: { name: 'other' } })).json.error.hint).toContain(
      'EVENKEEL_OPERATOR_KEY',
    );
  });

  it('shows a page that loads nothing from anywhere and escapes what users named', async () => {
    const name = '<img src=x onerror=alert(1)>';
    await call(`${service.url}/v1/segments`, { body: { key: 'odd', name, condition: { type: 'all', of: [] } } });
    const page = await call(`${service.url}/`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'/);
    expect(page.text).toContain('Evenkeel');
    expect(page.text).not.toContain('<img');
    expect(page.text).not.toMatch(/<script|\sstyle="|https?:\/\/(?!127\.0\.0\.1|www\.w3\.org)/);
  });

  it('tells Prometheus what it does, without a name of anybody’s', async () => {
    await call(`${service.url}/v1/segments/secret-segment`);
    const { text, headers } = await call(`${service.url}/metrics`);
    expect(headers.get('content-type')).toContain('text/plain');
    for (const name of [
      'http_request_duration_seconds',
      'calculation_duration_seconds',
      'calculations',
      'pending_rows',
      'worker_utilisation_ratio',
      'database_connections',
      'queue_oldest_wait_seconds',
    ])
      expect(text).toContain(`evenkeel_${name}`);
    expect(text).toContain('route="/v1/segments/:key"');
    expect(text).toContain('process_cpu_seconds_total');
    expect(text).not.toContain('secret-segment');
  });
});

describe('with keys', () => {
  let service: TestService;
  const as = (key: string, workspace?: string): Record<string, string> => ({
    authorization: `Bearer ${key}`,
    ...(workspace === undefined ? {} : { 'evenkeel-workspace': workspace }),
  });
  const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` });
  let red = '';
  let blue = '';

  beforeAll(async () => {
    service = await startTestService({ EVENKEEL_OPERATOR_KEY: OPERATOR_KEY });
    const make = async (name: string): Promise<string> =>
      (await call(`${service.url}/v1/workspaces`, { body: { name }, headers: as(OPERATOR_KEY) })).json.key;
    red = await make('red');
    blue = await make('blue');
  });
  afterAll(() => service.stop());

  it.each(['/', '/metrics', '/v1/segments', '/v1/properties', '/v1/users/a', '/v1/workspaces'])(
    '%s needs a key',
    async (path) => {
      for (const headers of [
        {},
        as('wrong'),
        basic('wrong'),
        { authorization: 'Bearer' },
        { authorization: 'Negotiate abc' },
        basic(''),
      ]) {
        const answer = await call(service.url + path, { headers });
        expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
          401,
          expect.stringContaining('Basic'),
        ]);
        expect(answer.json.error.code).toBe('unauthorized');
      }
    },
  );

  it.each(['/healthz', '/readyz', '/openapi.json'])('%s needs none', async (path) => {
    expect((await call(service.url + path)).status).toBe(200);
  });

  it('takes the key as Bearer and as the user name of Basic', async () => {
    expect((await call(`${service.url}/v1/segments`, { headers: as(red) })).status).toBe(200);
    expect((await call(`${service.url}/v1/segments`, { headers: basic(red) })).status).toBe(200);
    expect((await call(`${service.url}/`, { headers: basic(red) })).status).toBe(200);
  });

  it('keeps workspaces apart', async () => {
    const segment = { key: 'mine', name: 'Mine', condition: { type: 'all', of: [] } };
    expect((await call(`${service.url}/v1/segments`, { body: segment, headers: as(red) })).status).toBe(201);
    expect((await call(`${service.url}/v1/segments/mine`, { headers: as(red) })).status).toBe(200);
    const asked = await call(`${service.url}/v1/segments/mine/calculations`, {
      body: { wait: 10_000 },
      headers: as(red),
    });
    expect([asked.status, asked.json.state]).toEqual([200, 'succeeded']);

    const { id, snapshot } = asked.json as { id: string; snapshot: string };
    for (const headers of [as(blue), as(OPERATOR_KEY, 'blue'), as(OPERATOR_KEY)]) {
      for (const path of [
        '/v1/segments/mine',
        '/v1/segments/mine/members',
        '/v1/segments/mine/snapshots',
        `/v1/calculations/${id}`,
        `/v1/calculations/${id}/events`,
        `/v1/snapshots/${snapshot}`,
        `/v1/snapshots/${snapshot}/members`,
      ])
        expect([path, (await call(service.url + path, { headers })).status]).toEqual([path, 404]);
      expect((await call(`${service.url}/v1/calculations`, { headers })).json.calculations).toEqual([]);
      expect((await call(`${service.url}/v1/segments`, { headers })).json.segments).toEqual([]);
      expect((await call(`${service.url}/v1/segments/mine`, { method: 'DELETE', headers })).status).toBe(404);
    }
    expect((await call(`${service.url}/v1/segments/mine`, { headers: as(OPERATOR_KEY, 'red') })).status).toBe(200);
    expect((await call(`${service.url}/v1/segments`, { headers: as(red, 'blue') })).status).toBe(403);
    expect((await call(`${service.url}/v1/segments`, { headers: as(OPERATOR_KEY, 'green') })).status).toBe(404);
  });

  it('keeps the operator’s endpoints for the operator', async () => {
    expect((await call(`${service.url}/v1/workspaces`, { headers: as(red) })).status).toBe(403);
    expect((await call(`${service.url}/metrics`, { headers: as(red) })).status).toBe(403);
    expect((await call(`${service.url}/metrics`, { headers: as(OPERATOR_KEY) })).status).toBe(200);
    const { workspaces } = (await call(`${service.url}/v1/workspaces`, { headers: as(OPERATOR_KEY) })).json;
    expect(workspaces.map(({ name, hasKey }: { name: string; hasKey: boolean }) => [name, hasKey])).toEqual([
      ['default', false],
      ['red', true],
      ['blue', true],
    ]);
  });

  it('stores digests of keys only, and rotates them', async () => {
    const { rows } = await service.database.pool.query<{ digest: string }>(
      `select encode(key_digest, 'escape') as digest from workspaces where name = 'red'`,
    );
    expect(rows[0]?.digest).not.toContain(red);
    const made = await call(`${service.url}/v1/workspaces`, { body: { name: 'turning' }, headers: as(OPERATOR_KEY) });
    const before = made.json.key as string;
    expect((await call(`${service.url}/v1/segments`, { headers: as(before) })).status).toBe(200);
    const after = (
      await call(`${service.url}/v1/workspaces/turning/key`, { method: 'POST', headers: as(OPERATOR_KEY) })
    ).json.key as string;
    expect(after).not.toBe(before);
    expect((await call(`${service.url}/v1/segments`, { headers: as(before) })).status).toBe(401);
    expect((await call(`${service.url}/v1/segments`, { headers: as(after) })).status).toBe(200);
  });

  it.each([
    [{}],
    [{ name: '' }],
    [{ name: 'Red Room' }],
    [{ name: 'x'.repeat(64) }],
    [{ name: 'ok', nmae: 1 }],
    [[]],
    ['x'],
  ])('refuses the workspace %j', async (body) => {
    const answer = await call(`${service.url}/v1/workspaces`, {
      body: JSON.stringify(body),
      headers: as(OPERATOR_KEY),
    });
    expect(answer.status).toBe(422);
  });

  it('refuses a name that is taken', async () => {
    expect(
      (await call(`${service.url}/v1/workspaces`, { body: { name: 'red' }, headers: as(OPERATOR_KEY) })).status,
    ).toBe(409);
    expect(
      (await call(`${service.url}/v1/workspaces/nobody/key`, { method: 'POST', headers: as(OPERATOR_KEY) })).status,
    ).toBe(404);
  });
});
