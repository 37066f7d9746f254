import { request } from 'node:http';
import { transaction } from '../../../src/database/transaction.ts';
import { recordAlertEvents, recordDiagnosis } from '../../../src/monitoring/alerts/record.ts';
import type { AlertEvent } from '../../../src/monitoring/types.ts';
import { anAlert, escalated, opened, resolved } from '../../support/alerts.ts';
import { until } from '../../support/receiver.ts';
import { call, OPERATOR_KEY, startTestService, type TestService } from './service.ts';

/** `GET /v1/alerts/events`, as a browser reads it. */

const operator = { authorization: `Bearer ${OPERATOR_KEY}` };
let service: TestService;
let acme: Record<string, string>;

beforeAll(async () => {
  service = await startTestService({ EVENKEEL_OPERATOR_KEY: OPERATOR_KEY });
  const made = await call(`${service.url}/v1/workspaces`, { body: { name: 'acme' }, headers: operator });
  acme = { authorization: `Bearer ${made.json.key as string}` };
});
afterAll(() => service.stop());
afterEach(() => service.database.pool.query('delete from alerts'));

interface Streamed {
  readonly id: number;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly data: any;
}
interface Stream {
  readonly status: number;
  readonly events: readonly Streamed[];
  readonly text: () => string;
  readonly ended: Promise<void>;
  close(): void;
}

const follow = (headers: Record<string, string>, path = '/v1/alerts/events'): Promise<Stream> =>
  new Promise((resolve, reject) => {
    const asked = request(`${service.url}${path}`, { headers }, (response) => {
      let text = '';
      const events: Streamed[] = [];
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        const blocks = text.split('\n\n');
        events.splice(0, events.length);
        for (const block of blocks.slice(0, -1)) {
          const [, id, data] = /^id: (\d+)\nevent: alert\ndata: (.*)$/.exec(block) ?? [];
          if (data !== undefined) events.push({ id: Number(id), data: JSON.parse(data) });
        }
      });
      const ended = new Promise<void>((done) => response.once('close', done));
      response.on('error', () => undefined);
      resolve({ status: response.statusCode ?? 0, events, text: () => text, ended, close: () => asked.destroy() });
    });
    asked.once('error', reject);
    asked.on('error', () => undefined);
    asked.end();
  });

const record = (...events: readonly AlertEvent[]): Promise<void> =>
  transaction(service.database.pool, (client) => recordAlertEvents(client, events));
const typesOf = ({ events }: Stream): string[] => events.map(({ data }) => data.type);

it('tells what happens from now on, each with the alert as it was then', async () => {
  const before = anAlert({ id: 'before' });
  await record(opened(before));
  const stream = await follow(operator);
  await until('it has begun', () => stream.text().startsWith(': here'));
  const alert = anAlert();
  await record(opened(alert), escalated(alert, 'warning'));
  await transaction(service.database.pool, (client) =>
    recordDiagnosis(client, alert.id, { cause: 'bloat', confidence: 'low', sentence: 's', remedy: { text: 't' } }),
  );
  await call(`${service.url}/v1/alerts/alr_1/acknowledge`, { body: { by: 'Ada' }, headers: operator });
  await record(resolved(escalated(alert, 'warning').alert));
  // The service's own watching may tell diagnoses in between.
  const told = () => stream.events.map(({ data }) => data).filter(({ type }) => type !== 'diagnosed');
  await until('all are there', () => told().length === 4 && typesOf(stream).includes('diagnosed'));
  expect(told().map(({ type }) => type)).toEqual(['opened', 'escalated', 'acknowledged', 'resolved']);
  expect(told()[0]).toMatchObject({ severity: 'drift', alert: { id: 'alr_1', severity: 'drift' } });
  expect(told()[2]).toMatchObject({ by: 'Ada', alert: { severity: 'warning' } });
  stream.close();
});

it('goes on after the event that was seen last, by header or query, without a gap or a repetition', async () => {
  // The service's own watching may tell a diagnosis in between.
  const openings = ({ events }: Stream): number[] =>
    events.filter(({ data }) => data.type === 'opened').map(({ id }) => id);
  const alerts = Array.from({ length: 250 }, (_, i) => anAlert({ id: `alr_${i}` }));
  await record(...alerts.map(opened));
  const all = await follow({ ...operator, 'last-event-id': '0' });
  await until('all are there', () => openings(all).length === 250);
  all.close();
  const ids = openings(all);
  expect(new Set(ids).size).toBe(250);
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  const seen = ids[99] ?? 0;
  for (const [turn, resumed] of [
    await follow({ ...operator, 'last-event-id': String(seen) }),
    await follow(operator, `/v1/alerts/events?lastEventId=${seen}`),
  ].entries()) {
    await until('the rest is there', () => openings(resumed).length === 150);
    await record(resolved(anAlert({ id: `alr_${150 + turn}` })));
    expect(openings(resumed)).toEqual(ids.slice(100));
    resumed.close();
  }
});

it('begins now for who has seen what is yet to come, as after a restored backup', async () => {
  const stream = await follow(operator, '/v1/alerts/events?lastEventId=99999999');
  await until('it has begun', () => stream.text().startsWith(': here'));
  await record(opened(anAlert({ id: 'next' })));
  await until('it is there', () => stream.events.length > 0);
  expect(stream.events[0]?.data).toMatchObject({ type: 'opened', alert: { id: 'next' } });
  stream.close();
});

it('tells a workspace what concerns it, without what is not its own', async () => {
  const stream = await follow(acme);
  await until('it has begun', () => stream.text().startsWith(': here'));
  await record(
    opened(anAlert({ id: 'kind' })),
    opened(anAlert({ id: 'others', scope: { workspace: 'default' } })),
    opened(anAlert({ id: 'own', scope: { workspace: 'acme', segment: 'line\nid: 7\ndata: {}' } })),
  );
  await transaction(service.database.pool, (client) =>
    recordDiagnosis(client, 'kind', { cause: 'bloat', confidence: 'low', sentence: 's', remedy: { text: 't' } }),
  );
  await record(resolved(anAlert({ id: 'kind' })));
  await until('the end is there', () => stream.events.length === 3);
  expect(stream.events.map(({ data }) => `${data.type} ${data.alert.id}`)).toEqual([
    'opened kind',
    'opened own',
    'resolved kind',
  ]);
  expect(stream.events[1]?.data.alert.scope.segment).toBe('line\nid: 7\ndata: {}');
  expect(stream.text()).not.toMatch(/others|default|bloat|\b317\b/);
  stream.close();
});

it.each(['x', '-1', '1.5', '1 or 1=1'])('refuses Last-Event-ID %s', async (id) => {
  expect(
    await call(`${service.url}/v1/alerts/events`, { headers: { ...operator, 'last-event-id': id } }),
  ).toMatchObject({
    status: 422,
  });
});

it('answers HEAD and ends', async () => {
  const { status, headers } = await call(`${service.url}/v1/alerts/events`, { method: 'HEAD', headers: operator });
  expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
});

it('ends when the service stops, which it does not hold up', async () => {
  const other = await startTestService();
  const stream = await new Promise<{ ended: Promise<void> }>((resolve, reject) => {
    request(`${other.url}/v1/alerts/events`, (response) => {
      response.resume();
      resolve({ ended: new Promise<void>((done) => response.once('end', done)) });
    })
      .once('error', reject)
      .end();
  });
  const began = performance.now();
  await Promise.all([other.stop(), stream.ended]);
  // A server waits ten seconds for what does not end by itself.
  expect(performance.now() - began).toBeLessThan(10_000);
});
