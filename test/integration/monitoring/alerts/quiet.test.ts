import { setTimeout as sleep } from 'node:timers/promises';
import type { Alerts } from '../../../../src/monitoring/alerts/alerts.ts';
import { anAlert, escalated, opened, resolved } from '../../../support/alerts.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { type Receiver, startReceiver, until } from '../../../support/receiver.ts';
import { alertsOf, empty, hurry, notifications, open, POLL_MS, record, settled } from './sending.ts';

/** Silenced and acknowledged alerts, with a receiver that hears what is sent. */

let database: TestDatabase;
let receiver: Receiver;
let alerts: Alerts;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  receiver = await startReceiver();
  alerts = alertsOf(database, { webhookUrl: receiver.url });
  alerts.start();
});
afterEach(async () => {
  await alerts.stop();
  await receiver.stop();
  await empty(database);
});

const silence = (upTo?: 'warning') =>
  alerts.silence(
    {
      scope: { kind: 'property.is_set' },
      upTo,
      reason: 'known',
      endsAt: new Date(Date.now() + 3_600_000).toISOString(),
    },
    'Ada',
  );
const told = (): string[] =>
  receiver.received.map(({ json }) => `${json.evenkeel.event} ${json.commonLabels.severity}`);
const held = (): Promise<void> =>
  until('it is held', async () => {
    const { rows } = await database.pool.query(
      `select from alert_notifications where channel = 'webhook' and state = 'waiting' and next_try_at > now() + interval '1 s'`,
    );
    return rows.length > 0;
  });

test('a silenced alert is told when the silence ends, if it is still open then', async () => {
  const { id } = await silence();
  await open(database, opened(anAlert()));
  await held();
  expect(told()).toEqual([]);
  await alerts.endSilence(id);
  await hurry(database);
  await settled(database, 'webhook');
  expect(told()).toEqual(['opened drift']);
});

test('of one that opens and ends in the silence nothing is told, and the log of deliveries says so', async () => {
  await silence();
  const alert = anAlert();
  await open(database, opened(alert));
  await held();
  await record(database, resolved(alert));
  await settled(database, 'webhook');
  expect(told()).toEqual([]);
  expect((await notifications(database, 'webhook')).map(({ state }) => state)).toEqual(['silenced', 'silenced']);
});

test('the end of one that was told before is told, silenced or not', async () => {
  const alert = anAlert();
  await open(database, opened(alert));
  await settled(database, 'webhook');
  await silence();
  await record(database, escalated(alert, 'warning'));
  await held();
  await record(database, resolved(escalated(alert, 'warning').alert));
  await settled(database, 'webhook');
  expect(told()).toEqual(['opened drift', 'resolved warning']);
});

test('what is worse than the silence goes up to is told', async () => {
  await silence('warning');
  const alert = anAlert();
  await open(database, opened(alert));
  await held();
  await record(database, escalated(alert, 'critical'));
  await settled(database, 'webhook');
  expect(told()).toEqual(['escalated critical']);
});

test('of an acknowledged one what is worse is told, and its end, and nothing else', async () => {
  const alert = anAlert();
  await open(database, opened(alert));
  await settled(database, 'webhook');
  await alerts.acknowledge('alr_1', 'Ada', null);
  await record(database, { type: 'changed', at: alert.openedAt + 60_000, alert });
  await settled(database, 'webhook');
  const worse = escalated(alert, 'critical');
  await record(database, worse);
  await settled(database, 'webhook');
  await alerts.acknowledge('alr_1', 'Ada', null);
  await record(database, { ...worse, type: 'changed', at: worse.at + 60_000 });
  await settled(database, 'webhook');
  await record(database, resolved(worse.alert));
  await settled(database, 'webhook');
  expect(told()).toEqual(['opened drift', 'escalated critical', 'resolved critical']);
});

test('acknowledging what could not be sent yet ends the attempts', async () => {
  receiver.answer((response) => response.writeHead(500).end());
  await open(database, opened(anAlert()));
  await until('it has failed', async () => typeof (await notifications(database, 'webhook'))[0]?.error === 'string');
  await alerts.acknowledge('alr_1', 'Ada', null);
  await hurry(database);
  await settled(database, 'webhook');
  await sleep(3 * POLL_MS);
  expect(receiver.received).toHaveLength(1);
  expect(await notifications(database, 'webhook')).toMatchObject([{ state: 'acknowledged', attempts: 1 }]);
});
