import { get as httpGet, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import * as schemas from '../../../src/http/schemas.ts';
import { call, startTestService, type TestService } from './service.ts';

const USERS = 5_000;
const PRO = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' };

let service: TestService;

/** The answer is what OpenAPI says of it. */
const shaped = <S extends z.ZodType>(schema: S, json: unknown): z.output<S> => schema.parse(json);

beforeAll(async () => {
  service = await startTestService();
  const odd: Record<string, object> = {
    'comma,quote"\n': { plan: 'pro', email: 'a,"b"\r\nc@example.com' },
    ' ünï😀 ': { plan: 'pro', tags: ['a', 'b'], address: { city: 'Kraków' } },
    '=1+1': { plan: 'pro' },
  };
  const messages = [
    ...Array.from({ length: USERS }, (_, n) => ({
      type: 'identify',
      userId: `u${n}`,
      traits: { plan: n % 2 === 0 ? 'pro' : 'free', email: `u${n}@example.com`, n },
    })),
    ...Object.entries(odd).map(([userId, traits]) => ({ type: 'identify', userId, traits })),
  ];
  for (let at = 0; at < messages.length; at += 1_000)
    await call(`${service.url}/v1/batch`, { body: { batch: messages.slice(at, at + 1_000) } });
  await call(`${service.url}/v1/segments`, { body: { key: 'pro', name: 'Pro', condition: PRO } });
});
afterAll(() => service.stop());

const members = USERS / 2 + 3;

const calculate = async (body: object = { trigger: 'manual', wait: 20_000 }) => {
  const answer = await call(`${service.url}/v1/segments/pro/calculations`, { body });
  return { answer, calculation: shaped(schemas.calculation, answer.json) };
};

describe('calculations over HTTP', () => {
  it('waits for the end when it is asked to', async () => {
    const { answer, calculation } = await calculate();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('location')).toBe(`/v1/calculations/${calculation.id}`);
    expect(calculation).toMatchObject({
      segment: 'pro',
      workspace: 'default',
      trigger: 'manual',
      state: 'succeeded',
      attempts: 1,
      population: USERS + 3,
      members,
      conditionKinds: ['property.equals'],
      late: false,
      error: null,
    });
    for (const ms of Object.values(calculation.timingsMs)) expect(ms).toBeGreaterThanOrEqual(0);
    shaped(schemas.segment, (await call(`${service.url}/v1/segments/pro`)).json);
    shaped(schemas.segmentList, (await call(`${service.url}/v1/segments`)).json);
  });

  it('answers 202 at once when it is not, also without a body', async () => {
    const { answer, calculation } = await calculate({});
    expect([answer.status, calculation.trigger]).toEqual([202, 'api']);
    expect((await call(`${service.url}/v1/segments/pro/calculations`, { method: 'POST' })).status).toBe(202);
  });

  it('answers 202 to who does not wait, also where it has ended by then', async () => {
    const statuses = [];
    for (let i = 0; i < 50; i += 1) statuses.push((await calculate({ trigger: 'manual' })).answer.status);
    expect(new Set(statuses)).toEqual(new Set([202]));
  });

  it('lists and filters', async () => {
    await calculate();
    const list = shaped(schemas.calculationList, (await call(`${service.url}/v1/calculations?limit=2`)).json);
    expect(list.calculations).toHaveLength(2);
    const none = await call(
      `${service.url}/v1/calculations?segment=pro&trigger=newsletter&kind=sample&since=2020-01-01T00:00:00Z`,
    );
    expect(none.json.calculations).toEqual([]);
  });

  it('streams its progress and ends when it has ended', async () => {
    const { calculation } = await calculate({});
    const { text, headers } = await call(`${service.url}/v1/calculations/${calculation.id}/events`);
    expect(headers.get('content-type')).toContain('text/event-stream');
    const events = text
      .split('\n\n')
      .filter((event) => event.startsWith('event: calculation\ndata: '))
      .map((event) => shaped(schemas.calculation, JSON.parse(event.slice(event.indexOf('data: ') + 6))));
    expect(events.length).toBeGreaterThan(0);
    expect(events.at(-1)).toMatchObject({ id: calculation.id, state: 'succeeded' });
  });

  it('says that what has ended cannot be cancelled', async () => {
    const { calculation } = await calculate();
    const answer = await call(`${service.url}/v1/calculations/${calculation.id}`, { method: 'DELETE' });
    expect([answer.status, answer.json.error.code]).toEqual([409, 'conflict']);
  });

  it('observes each calculation once', async () => {
    const countOf = async () =>
      Number(
        /evenkeel_calculation_duration_seconds_count\{trigger="manual",outcome="succeeded"\} (\d+)/.exec(
          (await call(`${service.url}/metrics`)).text,
        )?.[1] ?? 0,
      );
    const before = await countOf();
    await calculate();
    await calculate();
    await sleep(100);
    expect(await countOf()).toBe(before + 2);
  });

  it('previews and explains', async () => {
    const preview = shaped(
      schemas.preview,
      (await call(`${service.url}/v1/segments/preview`, { body: { condition: PRO, sample: 3 } })).json,
    );
    expect([preview.members, preview.population, preview.sample.length]).toEqual([members, USERS + 3, 3]);
    const explained = shaped(
      schemas.explanation,
      (await call(`${service.url}/v1/segments/explain`, { body: { condition: PRO, analyze: true } })).json,
    );
    expect(explained.sql).toContain('select');
    expect(explained.sql).not.toContain("'pro'");
  });
});

describe('members over HTTP', () => {
  beforeAll(() => calculate());
  const url = () => `${service.url}/v1/segments/pro/members`;

  it('pages, and each page goes on where the last one ended', async () => {
    const seen = new Set<string>();
    let cursor = '';
    do {
      const page = shaped(schemas.members, (await call(`${url()}?limit=700${cursor}`)).json);
      for (const { userId } of page.members) seen.add(userId);
      cursor = page.nextCursor === null ? '' : `&cursor=${encodeURIComponent(page.nextCursor)}`;
    } while (cursor !== '');
    expect(seen.size).toBe(members);
  });

  it('streams NDJSON and CSV with properties, every odd character kept', async () => {
    const ndjson = await call(`${url()}?properties=email,plan,tags,address.city`, {
      headers: { accept: 'application/x-ndjson' },
    });
    expect(ndjson.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    const lines = ndjson.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(members);
    expect(lines).toContainEqual({
      userId: ' ünï😀 ',
      email: null,
      plan: 'pro',
      tags: ['a', 'b'],
      'address.city': 'Kraków',
    });

    const csv = await call(`${url()}?properties=email,plan,tags`, { headers: { accept: 'text/csv' } });
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const { parse } = await import('csv-parse/sync');
    const rows = parse(csv.text);
    expect(rows[0]).toEqual(['userId', 'email', 'plan', 'tags']);
    expect(rows).toHaveLength(members + 1);
    expect(rows).toContainEqual(['comma,quote"\n', 'a,"b"\r\nc@example.com', 'pro', '']);
    expect(rows).toContainEqual([' ünï😀 ', '', 'pro', '["a","b"]']);
    expect(rows).toContainEqual(['=1+1', '', 'pro', '']);
  });

  it('has a head, and knows what it cannot give', async () => {
    const head = await call(url(), { method: 'HEAD', headers: { accept: 'text/csv' } });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8']);
    expect((await call(url(), { headers: { accept: 'image/png' } })).status).toBe(406);
    expect((await call(`${url()}?properties=plan`)).status).toBe(422);
    expect((await call(`${url()}?limit=5`, { headers: { accept: 'text/csv' } })).status).toBe(422);
  });

  it('gives back its connection when a reader goes away in the middle', async () => {
    for (let i = 0; i < 40; i++) {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        httpGet(
          url() + '?properties=email',
          { headers: { accept: 'application/x-ndjson' }, agent: false },
          resolve,
        ).once('error', reject);
      });
      await new Promise((resolve) => response.once('data', resolve));
      response.destroy();
    }
    expect((await call(`${service.url}/readyz`)).status).toBe(200);
    expect((await call(url())).status).toBe(200);
  });

  it('tells one user, and what changed between two snapshots', async () => {
    expect(shaped(schemas.membership, (await call(`${url()}/u0`)).json)).toMatchObject({ member: true });
    expect((await call(`${url()}/u1`)).json).toMatchObject({ member: false, condition: { holds: false } });
    expect((await call(`${url()}/nobody`)).status).toBe(404);

    const before = (await calculate()).calculation.snapshot ?? '';
    await call(`${service.url}/v1/batch`, {
      body: {
        batch: [
          { type: 'identify', userId: 'u0', traits: { plan: 'free' } },
          { type: 'identify', userId: 'u1', traits: { plan: 'pro' } },
        ],
      },
    });
    const { calculation } = await calculate();
    expect(calculation).toMatchObject({ entered: 1, left: 1 });
    const changes = `${service.url}/v1/snapshots/${calculation.snapshot ?? ''}/changes?since=${before}`;
    expect(shaped(schemas.changes, (await call(changes)).json)).toMatchObject({
      entered: [{ userId: 'u1' }],
      left: [{ userId: 'u0' }],
    });
    const streamed = (await call(changes, { headers: { accept: 'text/csv' } })).text.trimEnd().split('\r\n');
    expect(streamed[0]).toBe('userId,change');
    expect(streamed.slice(1).sort()).toEqual(['u0,left', 'u1,entered']);
    const list = shaped(schemas.snapshotList, (await call(`${service.url}/v1/segments/pro/snapshots`)).json);
    expect(list.snapshots.map(({ id }) => id)).toEqual(expect.arrayContaining([before, calculation.snapshot]));
    shaped(schemas.snapshot, (await call(`${service.url}/v1/snapshots/${before}`)).json);
    expect((await call(`${service.url}/v1/snapshots/${before}/release`, { method: 'POST' })).status).toBe(204);
  });

  it('shows the names in use with their types and coverage', async () => {
    await calculate();
    await call(`${service.url}/v1/segments/preview`, {
      body: {
        condition: {
          type: 'all',
          of: ['plan', 'n', 'tags', 'address', 'address.city', 'email'].map((property) => ({
            type: 'property',
            property,
            operator: 'is_set',
          })),
        },
      },
    });
    const { properties, population } = shaped(schemas.propertyList, (await call(`${service.url}/v1/properties`)).json);
    expect(population).toBe(USERS + 3);
    const found = Object.fromEntries(properties.map(({ property, types, users }) => [property, [types, users]]));
    expect(found).toMatchObject({
      plan: [['string'], USERS + 3],
      n: [['number'], USERS],
      tags: [['array'], 1],
      address: [['object'], 1],
      'address.city': [['string'], 1],
    });
    const page = (await call(`${service.url}/v1/properties?limit=2`)).json;
    expect(page.properties.map(({ property }: { property: string }) => property)).toEqual(['address', 'address.city']);
    const next = (await call(`${service.url}/v1/properties?limit=2&cursor=${page.nextCursor}`)).json;
    expect(next.properties.map(({ property }: { property: string }) => property)).toEqual(['email', 'n']);
    shaped(schemas.eventList, (await call(`${service.url}/v1/events`)).json);
  });
});
