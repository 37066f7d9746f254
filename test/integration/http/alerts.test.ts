import {
  alertList,
  alertDetails,
  silence as silenceSchema,
  silenceList,
  tested,
} from '../../../src/http/alert-schemas.ts';
import { transaction } from '../../../src/database/transaction.ts';
import { recordAlertEvents, recordDiagnosis } from '../../../src/monitoring/alerts/record.ts';
import type { AlertEvent } from '../../../src/monitoring/types.ts';
import { anAlert, escalated, opened, resolved } from '../../support/alerts.ts';
import { call, OPERATOR_KEY, startTestService, type TestService } from './service.ts';

const DIAGNOSIS = {
  cause: 'bloat',
  confidence: 'high',
  sentence: 'acme’s table is bloated',
  remedy: { text: 'vacuum' },
};
const operator = { authorization: `Bearer ${OPERATOR_KEY}` };

let service: TestService;
let acme: Record<string, string>;
let other: Record<string, string>;

beforeAll(async () => {
  service = await startTestService({
    EVENKEEL_OPERATOR_KEY: OPERATOR_KEY,
    EVENKEEL_PUBLIC_URL: 'https://seg.example/',
  });
  const keyOf = async (name: string) => {
    const made = await call(`${service.url}/v1/workspaces`, { body: { name }, headers: operator });
    return { authorization: `Bearer ${made.json.key as string}` };
  };
  acme = await keyOf('acme');
  other = await keyOf('other');
});
afterAll(() => service.stop());
afterEach(() => service.database.pool.query('delete from alerts; delete from alert_silences'));

const record = (...events: readonly AlertEvent[]): Promise<void> =>
  transaction(service.database.pool, (client) => recordAlertEvents(client, events));
const get = (path: string, headers = operator as Record<string, string>) => call(`${service.url}${path}`, { headers });
const post = (path: string, body: unknown, headers = operator as Record<string, string>) =>
  call(`${service.url}${path}`, { body, headers });
const idsOf = (answer: { json: { alerts: { id: string }[] } }): string[] => answer.json.alerts.map(({ id }) => id);

describe('GET /v1/alerts', () => {
  it('lists them newest first, by state, severity, kind and time, page by page', async () => {
    const at = anAlert().openedAt;
    const one = (i: number, change = {}) => anAlert({ id: `alr_${i}`, openedAt: at + i * 60_000, ...change });
    const over = one(2, { severity: 'outliers' });
    const worse = escalated(one(3), 'warning');
    const event = one(4, { scope: { kind: 'event.count' } });
    await record(opened(one(1)), opened(over), resolved(over), opened(one(3)), worse, opened(event));
    expect(alertList.parse((await get('/v1/alerts')).json)).toBeDefined();
    expect(idsOf(await get('/v1/alerts'))).toEqual(['alr_4', 'alr_3', 'alr_2', 'alr_1']);
    expect(idsOf(await get('/v1/alerts?state=open'))).toEqual(['alr_4', 'alr_3', 'alr_1']);
    expect(idsOf(await get('/v1/alerts?state=resolved'))).toEqual(['alr_2']);
    expect(idsOf(await get('/v1/alerts?severity=warning'))).toEqual(['alr_3']);
    expect(idsOf(await get('/v1/alerts?kind=event.count'))).toEqual(['alr_4']);
    expect(idsOf(await get(`/v1/alerts?since=${new Date(over.openedAt).toISOString()}`))).toEqual([
      'alr_4',
      'alr_3',
      'alr_2',
    ]);
    const first = await get('/v1/alerts?limit=3');
    expect(idsOf(first)).toEqual(['alr_4', 'alr_3', 'alr_2']);
    const second = await get(`/v1/alerts?limit=3&cursor=${first.json.nextCursor as string}`);
    expect(idsOf(second)).toEqual(['alr_1']);
    expect(second.json.nextCursor).toBeNull();
  });

  it.each([
    'state=closed',
    'severity=fatal',
    'kind=none',
    'since=yesterday',
    'limit=0',
    'limit=501',
    'cursor=x',
    'states=open',
  ])('refuses %s', async (query) => {
    expect((await get(`/v1/alerts?${query}`)).status).toBe(422);
  });
});

describe('GET /v1/alerts/:id', () => {
  it('says why it is there, what happened to it, what was found and who was told', async () => {
    const alert = anAlert();
    await record(opened(alert));
    await transaction(service.database.pool, (client) => recordDiagnosis(client, alert.id, DIAGNOSIS));
    await record(escalated(alert, 'warning'));
    const { status, json } = await get('/v1/alerts/alr_1');
    expect(status).toBe(200);
    expect(alertDetails.parse(json)).toMatchObject({
      state: 'open',
      severity: 'warning',
      onset: '2026-03-02T06:00:00.000Z',
      projected: { multiple: 2, at: '2026-03-02T18:00:00.000Z' },
      diagnosis: DIAGNOSIS,
      link: 'https://seg.example/v1/alerts/alr_1',
      why: [
        'drift: over 6 h the value is 1.4 × normal, at least 1.15 is too much; it is 8.2 times its usual noise; 212 calculations',
        'everything else is at 1.02 × normal at the same time',
        'compared with version 3 of the baseline',
      ],
      silencedBy: [],
    });
    expect(json.events.map(({ type }: { type: string }) => type)).toEqual(['opened', 'diagnosed', 'escalated']);
  });

  it('finds an id whatever is in it', async () => {
    const id = `a/b?c=é"'; drop table alerts`;
    await record(opened(anAlert({ id })));
    expect((await get(`/v1/alerts/${encodeURIComponent(id)}`)).json).toMatchObject({ id });
    expect((await get('/v1/alerts/none')).status).toBe(404);
  });
});

describe('acknowledging and silencing', () => {
  it('says who, when and why, once and again, until it is over', async () => {
    const alert = anAlert();
    await record(opened(alert));
    const acknowledged = await post('/v1/alerts/alr_1/acknowledge', { by: 'Ada', note: 'looking' });
    expect(alertDetails.parse(acknowledged.json)).toMatchObject({
      state: 'acknowledged',
      acknowledged: { by: 'Ada', note: 'looking', at: expect.any(String) },
    });
    expect(idsOf(await get('/v1/alerts?state=acknowledged'))).toEqual(['alr_1']);
    expect(idsOf(await get('/v1/alerts?state=open'))).toEqual(['alr_1']);
    const again = await call(`${service.url}/v1/alerts/alr_1/acknowledge`, { method: 'POST', headers: operator });
    expect(again.json.acknowledged).toMatchObject({ by: 'operator', note: null });
    await record(resolved(alert));
    expect(await post('/v1/alerts/alr_1/acknowledge', {})).toMatchObject({ status: 409 });
    expect(await post('/v1/alerts/none/acknowledge', {})).toMatchObject({ status: 404 });
  });

  it('makes, lists and ends silences', async () => {
    const endsAt = new Date(Date.now() + 3_600_000).toISOString();
    await record(opened(anAlert()));
    const made = await post('/v1/silences', {
      scope: { kind: 'property.is_set' },
      upTo: 'warning',
      reason: 'known',
      endsAt,
    });
    expect(made.status).toBe(201);
    expect(silenceSchema.parse(made.json)).toMatchObject({ state: 'active', by: 'operator', endsAt, upTo: 'warning' });
    const id = made.json.id as string;
    expect((await get('/v1/alerts/alr_1')).json.silencedBy).toEqual([id]);
    expect(silenceList.parse((await get('/v1/silences')).json).silences).toHaveLength(1);
    const ended = await call(`${service.url}/v1/silences/${id}`, { method: 'DELETE', headers: operator });
    expect(ended.json).toMatchObject({ id, state: 'ended' });
    expect((await get('/v1/silences')).json.silences).toEqual([]);
    expect((await get('/v1/silences?all=true')).json.silences).toHaveLength(1);
    expect((await call(`${service.url}/v1/silences/${id}`, { method: 'DELETE', headers: operator })).status).toBe(409);
    expect((await call(`${service.url}/v1/silences/sil_99999`, { method: 'DELETE', headers: operator })).status).toBe(
      404,
    );
  });

  const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();
  it.each<[fault: string, body: object, path: string]>([
    ['no end', { reason: 'x' }, 'endsAt'],
    ['no reason', { endsAt: inDays(1) }, 'reason'],
    ['an end that has passed', { reason: 'x', endsAt: inDays(-1) }, 'endsAt'],
    ['an end that is far', { reason: 'x', endsAt: inDays(31) }, 'endsAt'],
    ['a start after the end', { reason: 'x', endsAt: inDays(1), startsAt: inDays(2) }, 'endsAt'],
    ['a segment alone', { reason: 'x', endsAt: inDays(1), scope: { segment: 'vip' } }, 'scope.workspace'],
    ['an unknown kind', { reason: 'x', endsAt: inDays(1), scope: { kind: 'nothing' } }, 'scope.kind'],
    ['an unknown field', { reason: 'x', endsAt: inDays(1), severity: 'drift' }, 'severity'],
    ['an empty reason', { reason: '', endsAt: inDays(1) }, 'reason'],
    ['a blank reason', { reason: ' \t', endsAt: inDays(1) }, 'reason'],
  ])('refuses %s', async (_, body, path) => {
    const { status, json } = await post('/v1/silences', body);
    expect([status, json.error.path]).toEqual([422, path]);
  });

  it('silences one alert only while that is open', async () => {
    const silence = (alert: string): Promise<{ status: number }> =>
      post('/v1/silences', { alert, reason: 'x', endsAt: inDays(1) });
    expect((await silence('alr_2')).status).toBe(404);
    await record(
      opened(anAlert({ id: 'alr_1' })),
      opened(anAlert({ id: 'alr_2' })),
      resolved(anAlert({ id: 'alr_2' })),
    );
    expect([(await silence('alr_1')).status, (await silence('alr_2')).status]).toEqual([201, 409]);
  });
});

describe('POST /v1/alerts/test', () => {
  it('says what came back from each channel', async () => {
    const { status, json } = await call(`${service.url}/v1/alerts/test`, { method: 'POST', headers: operator });
    expect(status).toBe(200);
    expect(tested.parse(json).channels).toMatchObject([{ channel: 'log', ok: true, error: null }]);
  });
});

describe('a workspace’s own key', () => {
  const kindWide = anAlert({ id: 'kind' });
  const ofAcme = anAlert({ id: 'acme', scope: { workspace: 'acme' }, summary: 'acme is slow; default is not' });
  const ofSegment = anAlert({ id: 'segment', scope: { workspace: 'other', segment: 'churn' } });
  const service_ = anAlert({ id: 'service', scope: {}, explains: [{ workspace: 'acme' }, { kind: 'event.count' }] });
  beforeEach(async () => {
    await record(opened(kindWide), opened(ofAcme), opened(ofSegment), opened(service_));
    for (const { id } of [kindWide, ofAcme])
      await transaction(service.database.pool, (client) => recordDiagnosis(client, id, DIAGNOSIS));
    await post('/v1/alerts/kind/acknowledge', { by: 'Ada', note: 'acme complained' });
  });

  it('sees its own alerts and those that concern everybody, and no others', async () => {
    expect(idsOf(await get('/v1/alerts', acme))).toEqual(['service', 'acme', 'kind']);
    expect(idsOf(await get('/v1/alerts', other))).toEqual(['service', 'segment', 'kind']);
    expect((await get('/v1/alerts/segment', acme)).status).toBe(404);
    expect((await get('/v1/alerts/segment', acme)).json).toEqual(
      JSON.parse(JSON.stringify((await get('/v1/alerts/nosuch', acme)).json).replace('nosuch', 'segment')),
    );
    const page = await get('/v1/alerts?limit=1', acme);
    expect(idsOf(await get(`/v1/alerts?limit=1&cursor=${page.json.nextCursor as string}`, acme))).toEqual(['acme']);
  });

  it('learns nothing of other workspaces from what concerns everybody', async () => {
    const { json, text } = await get('/v1/alerts/kind', other);
    expect(alertDetails.parse(json)).toMatchObject({
      scope: { kind: 'property.is_set' },
      state: 'acknowledged',
      ratio: 1.4,
      summary: 'calculations of segments with property.is_set take 1.40 × normal',
      affectedSegments: null,
      unaffectedSegments: null,
      affectedWorkspaces: null,
      calculations: null,
      rollingMs: null,
      baselineMs: null,
      control: null,
      excessShare: null,
      topSegments: [],
      topWorkspaces: [],
      explains: [],
      diagnosis: null,
      acknowledged: { by: null, note: null },
      deliveries: [],
      fired: [{ calculations: null }],
    });
    for (const secret of ['acme', 'default', 'vip', 'Ada', 'complained', 'bloat', '212', '83', '317', '31'])
      expect([secret, new RegExp(`\\b${secret}\\b`).test(text)]).toEqual([secret, false]);
    const list = await get('/v1/alerts', other);
    for (const secret of ['acme', 'default', 'vip', 'Ada', 'complained', 'bloat'])
      expect([secret, new RegExp(`\\b${secret}\\b`).test(list.text)]).toEqual([secret, false]);
  });

  it('sees its own numbers, and of what concerns everybody its own segments', async () => {
    const { json } = await get('/v1/alerts/acme', acme);
    expect(json).toMatchObject({
      summary: 'calculations of the segments of this workspace take 1.40 × normal',
      affectedSegments: 83,
      calculations: 212,
      unaffectedSegments: null,
      control: null,
      topSegments: [{ workspace: 'acme', segment: 'vip' }],
      diagnosis: null,
    });
    expect((await get('/v1/alerts/kind', acme)).json).toMatchObject({
      topSegments: [{ workspace: 'acme', segment: 'vip' }],
      topWorkspaces: [{ workspace: 'acme' }],
      explains: [{ workspace: 'acme' }],
    });
    for (const path of ['/v1/alerts/acme', '/v1/alerts/kind', '/v1/alerts/service'])
      expect((await get(path, acme)).text).not.toMatch(/default|bloat|other/);
  });

  it('may not act', async () => {
    for (const [method, path] of [
      ['POST', '/v1/alerts/acme/acknowledge'],
      ['POST', '/v1/alerts/test'],
      ['POST', '/v1/silences'],
      ['GET', '/v1/silences'],
      ['DELETE', '/v1/silences/sil_1'],
    ] as const)
      expect((await call(`${service.url}${path}`, { method, headers: acme })).status).toBe(403);
    expect((await call(`${service.url}/v1/alerts`)).status).toBe(401);
  });
});
