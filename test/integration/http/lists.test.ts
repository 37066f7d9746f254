import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { COMMANDS } from '../../../src/cli/main.ts';
import { runCommandLine } from '../../../src/cli/run.ts';
import * as schemas from '../../../src/http/schemas.ts';
import { call, startTestService, type TestService } from './service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
  const batch = ['a', 'b', 'c'].map((userId) => ({ type: 'identify', userId, traits: { plan: 'pro' } }));
  await call(`${service.url}/v1/batch`, { body: { batch } });
});
afterAll(() => service.stop());

const create = async (body: object) => {
  const { status, json } = await call(`${service.url}/v1/segments`, { body: { name: 'x', ...body } });
  expect([status, json.error ?? null]).toEqual([201, null]);
  return schemas.segment.parse(json);
};
const send = (path: string, method: string, type: string, body: string | Uint8Array, headers = {}) =>
  call(`${service.url}/v1/segments/${path}`, { method, body, headers: { 'content-type': type, ...headers } });
const calculate = async (key: string) => {
  const { json } = await call(`${service.url}/v1/segments/${key}/calculations`, { body: { wait: 20_000 } });
  const { text } = await call(`${service.url}/v1/segments/${key}/members`, { headers: { accept: 'text/csv' } });
  return { ...json, users: text.trim().split(/\r?\n/).slice(1).sort() };
};

describe('a static segment', () => {
  it('is made of JSON, uploaded in every format and calculated as any other', async () => {
    expect(await create({ key: 'vip', userIds: ['a', 'z'] })).toMatchObject({
      type: 'static',
      condition: null,
      lists: { userIds: { ids: 2, users: 1 } },
    });
    expect(await calculate('vip')).toMatchObject({ state: 'succeeded', conditionKinds: ['segment'], users: ['a'] });
    const csv = await send('vip/users?column=id', 'PUT', 'text/csv', 'id,name\r\na,"A, A"\r\nb,\r\nnew,\r\n');
    expect(schemas.listUpload.parse(csv.json)).toEqual({
      segment: 'vip',
      list: 'userIds',
      mode: 'replace',
      ids: 3,
      users: 2,
      added: 2,
      removed: 1,
      version: 2,
    });
    expect(await calculate('vip')).toMatchObject({ members: 2, entered: 1, left: 0, users: ['a', 'b'] });
    await call(`${service.url}/v1/users/new`, { method: 'PUT', body: { properties: {} } });
    expect(await calculate('vip')).toMatchObject({ members: 3, entered: 1, users: ['a', 'b', 'new'] });
    const zipped = gzipSync('a\nnobody\n');
    const removed = await send('vip/users', 'DELETE', 'text/plain', zipped, { 'content-encoding': 'gzip' });
    expect(removed.json).toMatchObject({ mode: 'remove', ids: 2, removed: 1 });
    expect((await send('vip/users', 'POST', 'application/x-ndjson', '{"userId":"c"}\n')).json).toMatchObject({
      added: 1,
    });
    expect((await send('vip/users', 'POST', 'application/json', '{"userIds":["c","d"]}')).json).toMatchObject({
      added: 1,
    });
    expect(await calculate('vip')).toMatchObject({ users: ['b', 'c', 'new'] });
    const page = await call(`${service.url}/v1/segments/vip/users?limit=3`);
    expect(schemas.listPage.parse(page.json).userIds).toEqual(['b', 'c', 'd']);
    const { text } = await call(`${service.url}/v1/segments/vip/users`, {
      headers: { accept: 'application/x-ndjson' },
    });
    expect(text).toBe('{"userId":"b"}\n{"userId":"c"}\n{"userId":"d"}\n{"userId":"new"}\n');
  });

  it('is as it was where a line of the upload is bad, and the line is told', async () => {
    await create({ key: 'kept', userIds: ['a'] });
    const { status, json } = await send('kept/users', 'PUT', 'text/csv', 'userId,x\nb,1\n,2\nc\n');
    expect([status, json.error]).toEqual([
      422,
      {
        code: 'invalid',
        message: 'line 3: the id is empty; line 4: it has 1 cells where the header has 2',
        path: 'line 3',
        hint: expect.stringContaining('nothing was changed'),
      },
    ]);
    expect((await call(`${service.url}/v1/segments/kept/users`)).json.userIds).toEqual(['a']);
  });

  it.each([
    ['a list that a segment does not have', 'kept/include', 'PUT', 'text/plain', 422],
    ['a segment that is not there', 'nobody/users', 'PUT', 'text/plain', 404],
    ['a type that says no format', 'kept/users', 'PUT', 'application/x-www-form-urlencoded', 415],
    ['an option that nobody knows', 'kept/users?colum=x', 'PUT', 'text/csv', 422],
  ])('refuses %s', async (_, path, method, type, status) => {
    expect((await send(path, method, type, 'a\n')).status).toBe(status);
  });

  it('is not emptied by a removal without a body', async () => {
    const { status, json } = await call(`${service.url}/v1/segments/kept/users?format=text`, { method: 'DELETE' });
    expect([status, json.error.hint]).toEqual([422, expect.stringContaining('PUT')]);
  });
});

it('include and exclude override a condition, also through a reference, a preview and one user', async () => {
  const condition = { type: 'property', property: 'plan', operator: 'is_set' };
  await create({ key: 'paying', condition, exclude: ['a'] });
  await send('paying/include', 'PUT', 'text/plain', 'new\na\n');
  const segment = schemas.segment.parse((await call(`${service.url}/v1/segments/paying`)).json);
  expect(segment).toMatchObject({ condition, lists: { include: { ids: 2 }, exclude: { ids: 1, users: 1 } } });
  expect(await calculate('paying')).toMatchObject({ users: ['b', 'c', 'new'] });
  const preview = await call(`${service.url}/v1/segments/preview`, {
    body: { condition: { type: 'not', of: { type: 'segment', segment: 'paying' } } },
  });
  expect(preview.json).toMatchObject({ members: 1, sample: ['a'] });
  for (const [userId, member] of [
    ['a', false],
    ['new', true],
  ])
    expect((await call(`${service.url}/v1/segments/paying/members/${userId}`)).json).toMatchObject({ member });
  const changed = await call(`${service.url}/v1/segments/paying`, {
    method: 'PATCH',
    body: { exclude: { remove: ['a'], add: ['b'] } },
  });
  expect(changed.json).toMatchObject({ version: 3 });
  expect(await calculate('paying')).toMatchObject({ users: ['a', 'c', 'new'] });
});

describe('evenkeel segment upload', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'evenkeel-upload-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const type = async (...args: string[]) => {
    const said = { out: '', err: '' };
    const status = await runCommandLine(COMMANDS, ['segment', 'upload', ...args], {
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
  const file = (name: string, text: string | Uint8Array): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };

  it('makes a segment, replaces, adds and removes', async () => {
    const csv = file('list.csv', 'id\na\nb\nq\n');
    expect(await type('typed', csv, '--column', 'id', '--name', 'Typed')).toEqual({
      status: 0,
      out: expect.stringMatching(/^3 ids, 2 of them users \(3 added, 0 removed\) in [\d.]+ s\n$/),
      err: '',
    });
    const gone = await type('typed', file('gone.txt.gz', gzipSync('q\nb\n')), '--mode', 'remove', '--json');
    expect([gone.status, JSON.parse(gone.out)]).toEqual([0, expect.objectContaining({ ids: 1, removed: 2 })]);
    expect((await type('typed', file('more.jsonl', '"c"\n'), '--mode', 'add')).out).toMatch(/^2 ids, 2 of them users/);
    expect((await type('paying', file('x.txt', 'c\n'), '--list', 'exclude')).out).toMatch(/^1 ids, 1 of them users/);
  });

  it('says what is wrong', async () => {
    expect(await type('nobody', file('x.txt', 'c\n'))).toMatchObject({
      status: 1,
      err: expect.stringContaining('nobody'),
    });
    expect(await type('typed', file('x.csv', 'c\n'))).toMatchObject({
      status: 1,
      err: expect.stringContaining('userId'),
    });
    expect(await type('typed', file('x.txt', 'c\n'), '--mode', 'put')).toMatchObject({ status: 2 });
    expect(await type('typed')).toMatchObject({ status: 2, err: expect.stringContaining('segment upload KEY FILE') });
  });
});

it('keeps no file of what was uploaded', () => {
  const found = readdirSync(service.directory, { recursive: true, encoding: 'utf8' });
  expect(found.filter((name) => name.endsWith('.scratch'))).toEqual([]);
});
