import { transaction } from '../../../../src/database/transaction.ts';
import { alertsToDiagnose, recordAlertEvents, recordDiagnosis } from '../../../../src/monitoring/alerts/record.ts';
import type { AlertEvent } from '../../../../src/monitoring/types.ts';
import { anAlert, escalated, opened, resolved } from '../../../support/alerts.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(() => database.pool.query('delete from alerts'));

const record = (events: readonly AlertEvent[]) =>
  transaction(database.pool, (client) => recordAlertEvents(client, events));
const alerts = async () => (await database.pool.query('select * from alerts order by seq')).rows;
const events = async () => (await database.pool.query('select type, alert_id from alert_events order by id')).rows;

test('an alert is as its last event has it, with its history', async () => {
  const alert = anAlert();
  await record([opened(alert), escalated(alert, 'critical'), resolved(alert)]);
  expect(await alerts()).toMatchObject([
    { id: 'alr_1', kind: 'property.is_set', workspace: null, resolved_at: new Date(alert.openedAt + 5 * 3_600_000) },
  ]);
  expect((await events()).map(({ type }) => type)).toEqual(['opened', 'escalated', 'resolved']);
});

test('the same events again, by several at once, change nothing', async () => {
  const alert = anAlert();
  const all = [opened(alert), escalated(alert, 'critical')];
  await Promise.all(Array.from({ length: 5 }, () => record(all)));
  await record([opened(alert)]);
  expect(await alerts()).toMatchObject([{ severity: 'critical', alert: { ratio: 2.2 } }]);
  expect(await events()).toHaveLength(2);
});

test('what fails with its transaction leaves no trace', async () => {
  await expect(
    transaction(database.pool, async (client) => {
      await recordAlertEvents(client, [opened(anAlert())]);
      throw new Error('the cursor could not be written');
    }),
  ).rejects.toThrow('the cursor');
  expect(await alerts()).toEqual([]);
});

test('names are data: what they hold is stored and given back as it is', async () => {
  const segment = `'); drop table alerts; --\n"\u202e\u0001{{ .Labels }}`;
  const alert = anAlert({ scope: { workspace: 'acme', segment } });
  await record([opened(alert)]);
  expect(await alerts()).toMatchObject([{ segment, alert: { scope: { segment } } }]);
});

test('ids of events are in the order of commits', async () => {
  const slow = await database.pool.connect();
  try {
    await slow.query('begin');
    await recordAlertEvents(slow, [opened(anAlert({ id: 'slow' }))]);
    const other = record([opened(anAlert({ id: 'other' }))]);
    const early = await Promise.race([
      other.then(() => 'done'),
      new Promise((resolve) => setTimeout(resolve, 100, 'waits')),
    ]);
    expect(early).toBe('waits');
    await slow.query('commit');
    await other;
  } finally {
    slow.release();
  }
  expect((await events()).map(({ alert_id }) => alert_id)).toEqual(['slow', 'other']);
});

test('an alert waits for its diagnosis until it has one', async () => {
  const alert = anAlert();
  await record([opened(alert), opened(anAlert({ id: 'over' })), resolved(anAlert({ id: 'over' }))]);
  expect(await alertsToDiagnose(database.pool, 10)).toMatchObject([{ alert, recordedAt: expect.any(Date) }]);
  await transaction(database.pool, (client) =>
    recordDiagnosis(client, alert.id, { cause: 'lock', summary: 'waits for a lock' }),
  );
  await recordDiagnosis(database.pool, 'gone', {});
  expect(await alertsToDiagnose(database.pool, 10)).toEqual([]);
  expect(await alerts()).toMatchObject([{ diagnosis: { cause: 'lock' } }, { id: 'over', diagnosis: null }]);
  expect((await events()).map(({ type }) => type)).toEqual(['opened', 'opened', 'resolved', 'diagnosed']);
});
