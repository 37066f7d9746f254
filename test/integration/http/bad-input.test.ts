import { gzipSync } from 'node:zlib';
import { call, startTestService, type TestService } from './service.ts';

/** What nobody should send, as bytes on the wire. */
const NESTED = 5_000;
const BODIES: readonly (readonly [name: string, body: Uint8Array | string, headers?: Record<string, string>])[] = [
  ['nothing', ''],
  ['no JSON', 'hello'],
  ['half of JSON', '{"a":'],
  ['two values', '{} {}'],
  ['a trailing comma', '{"a":1,}'],
  ['a number', '5'],
  ['null', 'null'],
  ['a list', '[]'],
  ['a string', '"x"'],
  ['an unknown field', '{"nmae":"x"}'],
  ['wrong types', '{"name":5,"condition":"x","userId":{},"properties":[],"batch":5,"trigger":7,"wait":"x","event":[]}'],
  ['a key twice', '{"name":"a","name":"b"}'],
  ['half a surrogate pair', '{"name":"\\ud800","userId":"\\udfff","condition":{}}'],
  ['NUL', '{"name":"a\\u0000b","userId":"a\\u0000b","condition":{}}'],
  ['__proto__', '{"__proto__":{"name":"x"},"constructor":1}'],
  ['1e999', '{"wait":1e999,"userId":"a","traits":{"n":1e999}}'],
  ['lists in lists', '['.repeat(NESTED) + ']'.repeat(NESTED)],
  ['objects in objects', `${'{"a":'.repeat(NESTED)}1${'}'.repeat(NESTED)}`],
  ['latin-1', Uint8Array.from([0x7b, 0x22, 0xeb, 0x22, 0x3a, 0x31, 0x7d])],
  ['UTF-16', new Uint8Array(Buffer.from('{"name":"x"}', 'utf16le'))],
  ['a gzip bomb', gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20)), { 'content-encoding': 'gzip' }],
  ['half of gzip', gzipSync('{"name":"x"}').subarray(0, 15), { 'content-encoding': 'gzip' }],
  ['gzip that is none', '{"name":"x"}', { 'content-encoding': 'gzip' }],
  ['an unknown encoding', '{}', { 'content-encoding': 'zstd' }],
  ['2 MB', `{"name":"${'x'.repeat(2_000_000)}"}`],
  ['an over-long name', `{"name":"${'x'.repeat(300)}","userId":"${'x'.repeat(300)}","event":"${'x'.repeat(300)}"}`],
  ['XML', '<a/>', { 'content-type': 'application/xml' }],
];
/** Places in a path where an id is wanted. */
const IDS = [
  '%00',
  '%F0%9F%98%80',
  'x'.repeat(300),
  '..%2F..%2Fetc%2Fpasswd',
  '__proto__',
  '-1',
  'clc_0',
  'clc_1',
  'snp_1',
  'imp_1',
  'clc_99999999999999999',
  "'; drop table users; --",
  '%ED%A0%80',
  '%',
];
const QUERIES = [
  '?',
  '?limit=-1',
  '?limit=1e9',
  '?limit=x',
  '?cursor=x',
  '?cursor=%00',
  '?cursor=bnVsbA',
  '?nope=1',
  '?%zz',
  '?since=%00',
  '?since=clc_1',
  '?since=2020',
  '?properties=',
  '?properties=%00',
  '?__proto__=1',
  '?kind=x',
  '?state=%00',
];

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly hasBody: boolean;
}

describe('bad input', () => {
  let service: TestService;
  let operations: Operation[];
  /** Calls that would say something else than "bad input" for a reason of their own. */
  const isData = ({ path }: Operation) => path.startsWith('/v1/');

  beforeAll(async () => {
    service = await startTestService();
    const { paths } = (await call(`${service.url}/openapi.json`)).json as {
      paths: Record<string, Record<string, { requestBody?: object }>>;
    };
    operations = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        hasBody: operation.requestBody !== undefined,
      })),
    );
  });
  afterAll(() => service.stop());

  const filled = (path: string, id: string): string => path.replaceAll(/\{\w+\}/g, id);

  /** Bodies that are right for a call by chance, or that a call does not read before it has said something else. */
  const expectRefused = (what: string, answer: Awaited<ReturnType<typeof call>>): void => {
    expect([what, answer.status]).toEqual([what, expect.any(Number)]);
    if (answer.status >= 500) throw new Error(`${what}: ${answer.status} ${answer.text}`);
    if (answer.status < 400) return;
    expect([what, answer.json?.error]).toEqual([
      what,
      expect.objectContaining({ code: expect.any(String), message: expect.any(String) }),
    ]);
    expect(answer.text.length).toBeLessThan(2_000);
    expect(answer.text).not.toMatch(/\bat .+\.(ts|js):\d+|node_modules|syntax error at or near/);
  };

  it.each(BODIES.map((body) => [body[0], body] as const))(
    '%s as a body is refused everywhere, and never by a 500',
    async (_name, [name, body, headers]) => {
      for (const { method, path } of operations.filter((operation) => operation.hasBody && isData(operation))) {
        const url = filled(path, 'someone');
        const query = path === '/v1/imports' ? '?kind=users&format=ndjson&key=id' : '';
        const answer = await call(service.url + url + query, {
          method,
          body,
          headers: { 'content-type': 'application/json', ...headers },
        });
        expectRefused(`${name} to ${method} ${path}`, answer);
        // An import is accepted as a file, and says of each line what is wrong with it; a request of a calculation needs no body.
        const mayPass = path === '/v1/imports' || path === '/v1/segments/{key}/calculations';
        const refused = mayPass || answer.status >= 400;
        expect([name, method, path, refused]).toEqual([name, method, path, true]);
      }
    },
  );

  it.each(IDS.map((id) => [id.slice(0, 30), id]))('%s as an id is no 500', async (_name, id) => {
    for (const operation of operations.filter(({ path }) => path.includes('{'))) {
      const { method, path, hasBody } = operation;
      const answer = await call(service.url + filled(path, id), { method, ...(hasBody ? { body: {} } : {}) });
      expectRefused(`${id} in ${method} ${path}`, answer);
    }
  });

  it.each(QUERIES)('%s as a query is no 500', async (query) => {
    for (const operation of operations.filter(
      // an empty query is right for a stream that never ends
      ({ method, path }) =>
        method === 'GET' &&
        isData({ method, path, hasBody: false }) &&
        !(query === '?' && path === '/v1/alerts/events'),
    )) {
      const { method, path } = operation;
      const id = path.startsWith('/v1/snapshots')
        ? 'snp_1'
        : path.startsWith('/v1/calculations')
          ? 'clc_1'
          : path.startsWith('/v1/imports')
            ? 'imp_1'
            : 'x';
      expectRefused(`${query} to ${method} ${path}`, await call(service.url + filled(path, id) + query, { method }));
    }
  });
});

describe('bad conditions', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.stop());

  const leaf = { type: 'property', property: 'plan', operator: 'is_set' };
  const deep = (levels: number): object => (levels === 0 ? leaf : { type: 'not', of: deep(levels - 1) });

  it.each([
    ['an unknown operator', { ...leaf, operator: 'equlas', value: 1 }, 'condition.operator', 'did you mean "equals"?'],
    ['an unknown type', { type: 'al', of: [] }, 'condition.type', 'did you mean "all"?'],
    ['an unknown field', { ...leaf, vlaue: 1 }, 'condition.vlaue', undefined],
    [
      'a value of a wrong type',
      { type: 'all', of: [leaf, { ...leaf, operator: 'greater_than', value: '5' }] },
      'condition.of[1].value',
      undefined,
    ],
    [
      'an invalid regular expression',
      { type: 'all', of: [leaf, { ...leaf, operator: 'matches', value: 'a(b' }] },
      'condition.of[1].value',
      undefined,
    ],
    ['too deep a condition', deep(17), undefined, undefined],
    ['too many leaves', { type: 'any', of: Array.from({ length: 257 }, () => leaf) }, undefined, undefined],
    ['an over-long property', { ...leaf, property: 'x'.repeat(300) }, 'condition.property', undefined],
    ['an unknown segment', { type: 'segment', segment: 'nobody' }, undefined, undefined],
    ['no condition', undefined, 'condition', undefined],
  ])('%s is a 422 that says where', async (_name, condition, path, hint) => {
    for (const [url, body] of [
      ['/v1/segments', { name: 'x', condition }],
      ['/v1/segments/preview', { condition }],
      ['/v1/segments/explain', { condition }],
    ] as const) {
      const answer = await call(service.url + url, { body });
      expect([url, answer.status]).toEqual([url, 422]);
      const { error } = answer.json;
      expect([path ?? error.path, hint ?? error.hint]).toEqual([error.path, error.hint]);
    }
  });

  it('a segment by neither condition nor userIds, or by both, is refused', async () => {
    for (const body of [{ name: 'x' }, { name: 'x', condition: leaf, userIds: ['a'] }, { name: 'x', userIds: 'a' }])
      expect((await call(`${service.url}/v1/segments`, { body })).status).toBe(422);
  });

  it('a cycle is named', async () => {
    for (const key of ['a', 'b'])
      await call(`${service.url}/v1/segments`, { body: { key, name: key, condition: leaf } });
    await call(`${service.url}/v1/segments/a`, {
      method: 'PATCH',
      body: { condition: { type: 'segment', segment: 'b' } },
    });
    const { status, json } = await call(`${service.url}/v1/segments/b`, {
      method: 'PATCH',
      body: { condition: { type: 'segment', segment: 'a' } },
    });
    expect([status, json.error.message]).toEqual([422, expect.stringMatching(/b → a → b/)]);
  });
});
