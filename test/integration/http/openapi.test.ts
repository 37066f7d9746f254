import { call, startTestService, type TestService } from './service.ts';

type Json = Record<string, unknown>;
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** Every call of CONTRACT §3 that this version has. */
const CONTRACT = [
  'POST /v1/identify',
  'POST /v1/track',
  'POST /v1/batch',
  'POST /v1/alias',
  'POST /v1/group',
  'POST /v1/page',
  'POST /v1/screen',
  'POST /v1/imports',
  'GET /v1/imports',
  'GET /v1/imports/{id}',
  'GET /v1/users/{userId}',
  'PUT /v1/users/{userId}',
  'PATCH /v1/users/{userId}',
  'DELETE /v1/users/{userId}',
  'POST /v1/segments',
  'GET /v1/segments',
  'GET /v1/segments/{key}',
  'PATCH /v1/segments/{key}',
  'DELETE /v1/segments/{key}',
  'POST /v1/segments/preview',
  'POST /v1/segments/explain',
  'GET /v1/segments/{key}/users',
  'PUT /v1/segments/{key}/users',
  'POST /v1/segments/{key}/include',
  'DELETE /v1/segments/{key}/exclude',
  'POST /v1/segments/{key}/calculations',
  'GET /v1/calculations',
  'GET /v1/calculations/{id}',
  'DELETE /v1/calculations/{id}',
  'GET /v1/calculations/{id}/events',
  'GET /v1/segments/{key}/members',
  'GET /v1/segments/{key}/members/{userId}',
  'GET /v1/segments/{key}/snapshots',
  'GET /v1/snapshots/{id}/members',
  'GET /v1/snapshots/{id}/changes',
  'GET /v1/properties',
  'GET /v1/events',
  'GET /v1/monitor/series',
  'GET /v1/monitor/slices',
  'GET /v1/monitor/baselines',
  'POST /v1/monitor/baselines/accept',
  'GET /v1/alerts',
  'GET /v1/alerts/events',
  'GET /v1/alerts/{id}',
  'POST /v1/alerts/{id}/acknowledge',
  'POST /v1/alerts/test',
  'POST /v1/silences',
  'GET /v1/silences',
  'DELETE /v1/silences/{id}',
  'GET /metrics',
  'GET /healthz',
  'GET /readyz',
  'GET /openapi.json',
  'GET /',
];

const refsOf = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : refsOf(inner),
  );
};

const resolve = (document: Json, ref: string): unknown =>
  ref
    .slice(2)
    .split('/')
    .reduce<unknown>(
      (inner, step) => (inner as Json | undefined)?.[step.replaceAll('~1', '/').replaceAll('~0', '~')],
      document,
    );

describe('/openapi.json', () => {
  let service: TestService;
  let document: Json;
  beforeAll(async () => {
    service = await startTestService();
    document = (await call(`${service.url}/openapi.json`)).json;
  });
  afterAll(() => service.stop());

  const operations = (): [string, Json][] =>
    Object.entries(document['paths'] as Record<string, Json>).flatMap(([path, item]) =>
      METHODS.filter((method) => method in item).map((method): [string, Json] => [
        `${method.toUpperCase()} ${path}`,
        item[method] as Json,
      ]),
    );

  it('is OpenAPI 3.1 with every call of the contract', () => {
    expect(document['openapi']).toBe('3.1.0');
    expect(operations().map(([name]) => name)).toEqual(expect.arrayContaining(CONTRACT));
  });

  it('refers to nothing that is not there', () => {
    const refs = [...new Set(refsOf(document))];
    expect(refs.length).toBeGreaterThan(20);
    expect(refs.filter((ref) => !ref.startsWith('#/') || resolve(document, ref) === undefined)).toEqual([]);
  });

  it('gives each operation a name of its own, a summary, its parameters and what it answers', () => {
    const ids = operations().map(([, operation]) => operation['operationId']);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [name, operation] of operations()) {
      expect([name, operation['summary']]).toEqual([name, expect.any(String)]);
      expect(Object.keys(operation['responses'] as Json).length).toBeGreaterThan(1);
      const parameters = ((operation['parameters'] ?? []) as Json[])
        .filter((parameter) => parameter['in'] === 'path')
        .map((parameter) => `{${String(parameter['name'])}}`);
      expect([name, parameters]).toEqual([name, name.match(/\{\w+\}/g) ?? []]);
    }
  });

  it('describes conditions', () => {
    const { schemas } = document['components'] as { schemas: Record<string, Json> };
    expect(JSON.stringify(schemas['NewSegment'])).toContain('#/components/schemas/Condition');
    expect(JSON.stringify(schemas['Condition'])).toContain('within_last');
  });
});
