import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { COMMANDS } from '../../../src/cli/main.ts';
import { runCommandLine } from '../../../src/cli/run.ts';
import * as schemas from '../../../src/http/schemas.ts';
import { call, startTestService, type TestService } from './service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const ended = async (id: string) => {
  for (;;) {
    const found = schemas.importResource.parse((await call(`${service.url}/v1/imports/${id}`)).json);
    if (found.state === 'succeeded' || found.state === 'failed') return found;
    await sleep(50);
  }
};
const upload = async (
  query: string,
  body: string | Uint8Array,
  headers: Record<string, string> = { 'content-type': 'text/csv' },
) => {
  const answer = await call(`${service.url}/v1/imports?${query}`, { body, headers });
  expect([answer.status, answer.json.error ?? null]).toEqual([202, null]);
  return ended(answer.json.id);
};

describe('imports over HTTP', () => {
  it('takes users as CSV, and says of each bad line what is wrong', async () => {
    const csv =
      'id,plan,zip,age,joined\r\nu1,pro,01234,36,2024-01-31\r\nu2,free,99999,,\r\n,pro,1,2,\r\nu4,"a ""quoted"", text",5,7,2024-02-01\r\n';
    const done = await upload('kind=users&key=id', csv);
    expect(done).toMatchObject({
      kind: 'users',
      format: 'csv',
      state: 'succeeded',
      rows: 4,
      accepted: 3,
      rejected: 1,
      bytes: csv.length,
    });
    expect(done.errors).toEqual([{ line: 4, reason: expect.any(String) }]);
    const { properties } = (await call(`${service.url}/v1/users/u1`)).json;
    expect(properties).toEqual({ plan: 'pro', zip: '01234', age: 36, joined: '2024-01-31' });
    expect((await call(`${service.url}/v1/users/u2`)).json.properties).toEqual({ plan: 'free', zip: '99999' });
    const rejected = await call(`${service.url}/v1/imports/${done.id}/rejected`);
    expect(rejected.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(rejected.text).toContain(',pro,1,2,');
    schemas.importList.parse((await call(`${service.url}/v1/imports`)).json);
  });

  it('takes events as gzipped NDJSON, and the same file again changes nothing', async () => {
    const lines = Array.from({ length: 50 }, (_, n) =>
      JSON.stringify({ who: `e${n % 10}`, at: '2024-05-01T00:00:00Z', amount: n }),
    ).join('\n');
    const query = 'kind=events&format=ndjson&event=Purchase&user=who&time=at';
    for (let i = 0; i < 2; i++)
      expect(await upload(query, gzipSync(lines), { 'content-encoding': 'gzip' })).toMatchObject({
        state: 'succeeded',
        accepted: 50,
      });
    const count = async (exactly: number) =>
      (
        await call(`${service.url}/v1/segments/preview`, {
          body: { condition: { type: 'event', event: 'Purchase', count: { exactly } } },
        })
      ).json.members;
    expect([await count(5), await count(10)]).toEqual([10, 0]);
  });

  it.each([
    ['kind=people&format=csv', 422, 'kind'],
    ['format=csv', 422, 'kind'],
    ['kind=users', 422, 'format'],
    ['kind=users&format=xml', 422, 'format'],
    ['kind=users&format=csv&kye=id', 422, 'kye'],
    ['kind=users&format=csv&event=x', 422, 'event'],
    ['kind=users&format=csv&types=plan=strnig', 422, 'types["plan"]'],
  ])('refuses %s', async (query, status, path) => {
    // A body that is not read must not hold up the connection for the next request.
    const body = 'x'.repeat(3_000_000);
    const answer = await call(`${service.url}/v1/imports?${query}`, {
      body,
      headers: { 'content-type': 'application/octet-stream' },
    });
    expect([answer.status, answer.json.error.path]).toEqual([status, path]);
    expect((await call(`${service.url}/healthz`)).status).toBe(200);
  });

  it('refuses a form, and tells how to send the file', async () => {
    const form = new FormData();
    form.append('file', 'id\n1\n');
    const response = await fetch(`${service.url}/v1/imports?kind=users&format=csv`, { method: 'POST', body: form });
    expect([response.status, await response.json()]).toEqual([
      415,
      { error: expect.objectContaining({ hint: expect.stringContaining('--data-binary') }) },
    ]);
  });

  it.each([
    ['half of gzip', gzipSync('id\n1\n'.repeat(1_000)).subarray(0, 30), { 'content-encoding': 'gzip' }],
    ['what is no gzip', 'id\n1\n', { 'content-encoding': 'gzip' }],
  ])('refuses %s and keeps nothing of it', async (_name, body, headers) => {
    const before = (await call(`${service.url}/v1/imports`)).json.imports.length;
    expect((await call(`${service.url}/v1/imports?kind=users&format=csv&key=id`, { body, headers })).status).toBe(400);
    expect((await call(`${service.url}/v1/imports`)).json.imports).toHaveLength(before);
  });

  it('keeps nothing of an upload that breaks off', async () => {
    const before = (await call(`${service.url}/v1/imports`)).json.imports.length;
    const upload = send(`${service.url}/v1/imports?kind=users&format=csv&key=id`, {
      method: 'POST',
      headers: { 'content-length': 1_000_000 },
    });
    upload.on('error', () => undefined);
    upload.write('id\n1\n');
    await sleep(100);
    upload.destroy();
    await sleep(100);
    expect((await call(`${service.url}/v1/imports`)).json.imports).toHaveLength(before);
  });
});

describe('evenkeel import', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'evenkeel-import-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const type = async (...args: string[]) => {
    const said = { out: '', err: '' };
    const status = await runCommandLine(COMMANDS, args, {
      out: (text) => {
        said.out += text;
      },
      err: (text) => {
        said.err += text;
      },
      interactive: false,
      environment: { EVENKEEL_URL: service.url },
    });
    return { status, ...said };
  };

  it('imports a file, and collects what it could not', async () => {
    const file = join(directory, 'people.csv');
    writeFileSync(file, 'id,Full Name,zip\nc1,Ada,0123\n,Nobody,1\nc2,Zoë,0456\n');
    const { status, out, err } = await type(
      'import',
      'users',
      file,
      '--key',
      'id',
      '--map',
      'Full Name:name',
      '--types',
      'zip=string',
    );
    expect([status, out]).toEqual([0, expect.stringMatching(/^2 of 3 rows imported in [\d.]+ s \(imp_\d+\)\n$/)]);
    expect(err).toContain('line 3:');
    expect(readFileSync(`${file}.rejected.csv`, 'utf8')).toContain(',Nobody,1');
    expect((await call(`${service.url}/v1/users/c2`)).json.properties).toEqual({ name: 'Zoë', zip: '0456' });
  });

  it('unpacks .gz and speaks JSON', async () => {
    const file = join(directory, 'buys.ndjson.gz');
    writeFileSync(file, gzipSync('{"userId":"c1","timestamp":"2024-01-01"}\n'));
    const { status, out, err } = await type('import', 'events', file, '--event', 'Bought', '--json');
    expect([status, err, JSON.parse(out)]).toEqual([
      0,
      '',
      expect.objectContaining({ state: 'succeeded', accepted: 1 }),
    ]);
  });

  it('says what the service says', async () => {
    const file = join(directory, 'people.csv');
    const { status, err } = await type('import', 'users', file, '--event', 'x');
    expect([status, err]).toEqual([1, expect.stringContaining('event')]);
  });
});
