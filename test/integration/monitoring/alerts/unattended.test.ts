import { unattendedAlerts } from '../../../../src/monitoring/alerts/unattended.ts';
import { anAlert, escalated, opened, resolved } from '../../../support/alerts.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { alertsOf, empty, record } from './sending.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(() => empty(database));

const unattended = async (): Promise<string[]> =>
  (await unattendedAlerts(database.pool, Date.now())).map(({ rule, severity }) => `${rule} ${severity}`);

test('an open alert is unattended until somebody acknowledges it, and again when it gets worse', async () => {
  const alert = anAlert();
  await record(database, opened(alert));
  expect(await unattended()).toEqual(['slow drift']);
  await alertsOf(database, {}).acknowledge(alert.id, 'Ada', null);
  expect(await unattended()).toEqual([]);
  await record(database, escalated(alert, 'critical'));
  expect(await unattended()).toEqual(['slow critical']);
  await record(database, resolved(alert));
  expect(await unattended()).toEqual([]);
});

test('a silenced one is not unattended, and others are', async () => {
  const alerts = alertsOf(database, {});
  await record(database, opened(anAlert()));
  await record(database, opened(anAlert({ id: 'alr_2', rule: 'late', scope: {}, severity: 'warning' })));
  const endsAt = new Date(Date.now() + 3_600_000).toISOString();
  const { id } = await alerts.silence({ scope: { kind: 'property.is_set' }, reason: 'known', endsAt }, 'Ada');
  expect(await unattended()).toEqual(['late warning']);
  await alerts.endSilence(id);
  expect((await unattended()).sort()).toEqual(['late warning', 'slow drift']);
});
