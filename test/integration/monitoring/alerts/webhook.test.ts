import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Alerts } from '../../../../src/monitoring/alerts/alerts.ts';
import { anAlert, escalated, opened, resolved } from '../../../support/alerts.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { type Receiver, startReceiver, until } from '../../../support/receiver.ts';
import { alertsOf, diagnose, empty, hurry, keepingLog, notifications, open, record, settled } from './sending.ts';

const SECRET = 'a-secret-of-the-tests';

let database: TestDatabase;
let receiver: Receiver;
const running: Alerts[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((alerts) => alerts.stop()));
  await receiver.stop();
  await empty(database);
});

const start = (log = keepingLog()): ReturnType<typeof keepingLog> => {
  const alerts = alertsOf(database, { webhookUrl: `${receiver.url}/hook?token=abc`, webhookSecret: SECRET }, log);
  alerts.start();
  running.push(alerts);
  return log;
};
const hasFailed = (): Promise<void> =>
  until('it has failed', async () => typeof (await notifications(database, 'webhook'))[0]?.error === 'string');
const types = (): string[] => receiver.received.map(({ json }) => json.evenkeel.event);

test('an alert arrives as Alertmanager’s webhook has it, signed, with its diagnosis, and so does its end', async () => {
  start();
  const alert = anAlert({ scope: { kind: 'property.is_set', workspace: 'acme' } });
  await open(database, opened(alert));
  await settled(database, 'webhook');
  await record(database, resolved(alert));
  await settled(database, 'webhook');
  expect(receiver.received).toHaveLength(2);
  const [first, second] = receiver.received.map(({ json }) => json);
  expect(first).toMatchObject({
    version: '4',
    status: 'firing',
    receiver: 'evenkeel',
    truncatedAlerts: 0,
    externalURL: 'https://segments.example',
    commonLabels: {
      alertname: 'SegmentCalculationsSlow',
      severity: 'drift',
      kind: 'property.is_set',
      workspace: 'acme',
    },
    alerts: [
      {
        status: 'firing',
        annotations: { summary: alert.summary, cause: 'vacuum_held_back', diagnosis: expect.stringContaining('05:58') },
        startsAt: '2026-03-02T08:00:00.000Z',
        endsAt: '0001-01-01T00:00:00Z',
        generatorURL: 'https://segments.example/v1/alerts/alr_1',
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      },
    ],
    evenkeel: { event: 'opened', alert: { id: 'alr_1', state: 'open', diagnosis: { cause: 'vacuum_held_back' } } },
  });
  expect(second).toMatchObject({ status: 'resolved', alerts: [{ endsAt: '2026-03-02T13:00:00.000Z' }] });
  expect(second.groupKey).toBe(first.groupKey);
  expect(second.alerts[0].fingerprint).toBe(first.alerts[0].fingerprint);
  for (const { headers, text, path } of receiver.received) {
    expect(path).toBe('/hook?token=abc');
    expect(headers['content-type']).toBe('application/json');
    const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['evenkeel-signature'])) ?? [];
    expect(createHmac('sha256', SECRET).update(`${seconds}.${text}`).digest('hex')).toBe(signature);
    expect(Math.abs(Number(seconds) * 1000 - Date.now())).toBeLessThan(60_000);
  }
  const keys = receiver.received.map(({ headers }) => headers['idempotency-key']);
  expect(new Set(keys).size).toBe(2);
});

test('an opening waits for its diagnosis, and goes without where none comes', async () => {
  start();
  await record(database, opened(anAlert()), opened(anAlert({ id: 'alr_2' })));
  await until('both are held', async () => (await notifications(database, 'webhook')).length === 2);
  await diagnose(database, 'alr_1');
  await hurry(database);
  await until('the first is there', () => receiver.received.length === 1);
  expect(receiver.received[0]?.json.evenkeel.alert).toMatchObject({
    id: 'alr_1',
    diagnosis: { cause: 'vacuum_held_back' },
  });
  await database.pool.query(`update alerts set recorded_at = now() - interval '20 s'`);
  await hurry(database);
  await until('the second is there', () => receiver.received.length === 2);
  expect(receiver.received[1]?.json.evenkeel.alert).toMatchObject({ id: 'alr_2', diagnosis: null });
});

test('what escalates before anybody was told is told once, as it is now', async () => {
  const alert = anAlert();
  await open(database, opened(alert));
  await record(database, escalated(alert, 'critical'));
  start();
  await settled(database, 'webhook');
  expect(receiver.received.map(({ json }) => json.commonLabels.severity)).toEqual(['critical']);
  expect(await notifications(database, 'webhook')).toMatchObject([
    { type: 'opened', state: 'superseded' },
    { type: 'escalated', state: 'delivered', attempts: 1 },
  ]);
});

test.each([
  ['500', 'answered 500: out of order', (response: ServerResponse) => response.writeHead(500).end('out of order')],
  ['404', 'answered 404', (response: ServerResponse) => response.writeHead(404).end()],
  [
    'a redirect',
    'redirects are not followed',
    (response: ServerResponse) => response.writeHead(307, { location: '/elsewhere' }).end(),
  ],
  ['a broken connection', '127.0.0.1', (response: ServerResponse) => response.destroy()],
])('%s is tried again with the same key until it is taken', async (_, error, answer) => {
  receiver.answer(answer);
  const log = start();
  await open(database, opened(anAlert()));
  await hasFailed();
  const [waiting] = await notifications(database, 'webhook');
  expect(waiting).toMatchObject({ state: 'waiting', attempts: 1, error: expect.stringContaining(error) });
  expect(JSON.stringify(waiting)).not.toContain('token');
  receiver.answer((response) => response.writeHead(204).end());
  await hurry(database);
  await settled(database, 'webhook');
  expect(await notifications(database, 'webhook')).toMatchObject([{ state: 'delivered', attempts: 2, error: null }]);
  expect(receiver.received.map(({ path }) => path)).toEqual(['/hook?token=abc', '/hook?token=abc']);
  expect(new Set(receiver.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  const warned = log.lines.filter(({ level, fields }) => level === 'warn' && fields['channel'] === 'webhook');
  expect(warned).toHaveLength(1);
  expect(JSON.stringify(warned)).not.toContain('token');
});

test('the next attempt comes after a while, and not before the receiver wants it', async () => {
  receiver.answer((response) => response.writeHead(503, { 'retry-after': '1800' }).end());
  start();
  await open(database, opened(anAlert()));
  await hasFailed();
  const { rows } = await database.pool.query(
    `select extract(epoch from next_try_at - now())::float8 as s from alert_notifications where channel = 'webhook'`,
  );
  expect(rows[0]?.['s']).toBeGreaterThan(1_700);
});

test('an answer without an end is a success when its status is, and is not read for ever', async () => {
  let written = 0;
  receiver.answer((response) => {
    response.writeHead(200);
    const pour = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536))) written += 65_536;
      if (!response.destroyed) response.once('drain', pour);
    };
    pour();
  });
  start();
  await open(database, opened(anAlert()));
  await settled(database, 'webhook');
  expect(await notifications(database, 'webhook')).toMatchObject([{ state: 'delivered', attempts: 1 }]);
  expect(written).toBeLessThan(16 * 1024 * 1024);
});

test('a receiver that is away for a while is told of each alert once, as it is then', async () => {
  const url = receiver.url;
  await receiver.stop();
  const log = start();
  const alert = anAlert();
  await open(database, opened(alert));
  await hasFailed();
  await record(database, escalated(alert, 'warning'), escalated(alert, 'critical', 7_200_000));
  await until('all have failed', async () => {
    const all = await notifications(database, 'webhook');
    return all.length === 3 && all.every(({ error }) => error?.includes('ECONNREFUSED') === true);
  });
  expect(log.lines.filter(({ level, fields }) => level === 'warn' && fields['channel'] === 'webhook')).toHaveLength(1);
  await Promise.all(running.splice(0).map((alerts) => alerts.stop()));
  receiver = await startReceiver();
  expect(receiver.url).not.toBe(url);
  start();
  await hurry(database);
  await settled(database, 'webhook');
  expect(types()).toEqual(['escalated']);
  expect(receiver.received[0]?.json.commonLabels.severity).toBe('critical');
});

test('after a day it is given up with an error that somebody sees', async () => {
  receiver.answer((response) => response.writeHead(500).end());
  const log = start();
  await open(database, opened(anAlert()));
  await hasFailed();
  await database.pool.query(`update alert_notifications set first_tried_at = now() - interval '24 h'`);
  await hurry(database);
  await settled(database, 'webhook');
  expect(await notifications(database, 'webhook')).toMatchObject([{ state: 'given_up', attempts: 1 }]);
  expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([
    { message: expect.stringContaining('given up'), fields: { channel: 'webhook', alert: 'alr_1' } },
  ]);
});

test('a log line for each, which says how bad it is', async () => {
  const log = start();
  const alert = anAlert();
  await open(database, opened(alert));
  await settled(database, 'log');
  await record(database, escalated(alert, 'critical'));
  await settled(database, 'log');
  await record(database, resolved(escalated(alert, 'critical').alert));
  await settled(database, 'log');
  expect(log.lines.filter(({ fields }) => fields['alert'] === 'alr_1').map(({ level }) => level)).toEqual([
    'warn',
    'error',
    'info',
  ]);
});
