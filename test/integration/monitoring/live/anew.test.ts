import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type pg from 'pg';
import { openClient } from '../../../../src/database/connect.ts';
import { openAlertsOf, recordAlertEvents } from '../../../../src/monitoring/alerts/record.ts';
import { Watch } from '../../../../src/monitoring/live/watch.ts';
import { anAlert } from '../../../support/alerts.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { endCalculations } from '../../../support/ended.ts';
import { startWatch } from '../../../support/watching.ts';
import { createWorkspace, defineSegment } from '../../../support/workspace.ts';

const MINUTE_MS = 60_000;

let database: TestDatabase;
let client: pg.Client;
let workspaceId: number;
beforeEach(async () => {
  database = await createTestDatabase();
  client = await openClient(database.url);
  workspaceId = await createWorkspace(database.pool, 'acme');
  await defineSegment(database.pool, workspaceId, 'vip', { type: 'all', of: [] });
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

const watching = (): Promise<Watch> => startWatch(client, { open: openAlertsOf });

/** A newsletter that was late half an hour ago, and a calculation since: that it was late is an alert for an hour. */
const lateNewsletter = async (): Promise<string> => {
  const ago = (ms: number): Date => new Date(Date.now() - ms);
  await endCalculations(database.pool, workspaceId, [
    { segment: 'vip', finishedAt: ago(30 * MINUTE_MS), late: true },
    { segment: 'vip', finishedAt: ago(10 * MINUTE_MS) },
  ]);
  const watch = await watching();
  while ((await watch.step()).more);
  await watch.save();
  const { rows } = await database.pool.query<{ id: string }>('select id from alerts where resolved_at is null');
  expect(rows).toHaveLength(1);
  return rows[0]?.id ?? '';
};

const alerts = async (): Promise<{ id: string; open: boolean; events: string[]; summary: string }[]> =>
  (
    await database.pool.query(
      `select id, resolved_at is null as open, alert ->> 'summary' as summary,
              (select array_agg(e.type order by e.id) from alert_events e where alert_id = a.id) as events
       from alerts a order by seq`,
    )
  ).rows;

test('who goes on from what was saved has nothing to say of the alerts that are open', async () => {
  const id = await lateNewsletter();
  const watch = await watching();
  expect(watch.relearned).toBeUndefined();
  expect(await alerts()).toMatchObject([{ id, open: true, events: ['opened'] }]);
});

test.each([
  ['of bytes that are none', `'\\xdeadbeef'`],
  ['that is cut off', 'substring(state for length(state) / 2)'],
])('a state %s does not end the watch, and it learns anew', async (_, state) => {
  const id = await lateNewsletter();
  await database.pool.query(`update monitor_saves set state = ${state}`);
  const watch = await watching();
  expect(watch.relearned).toEqual(expect.any(String));
  expect(watch.saveDue).toBe(true);
  // The facts of the last weeks tell of the late newsletter again: it is the same alert.
  expect(await alerts()).toMatchObject([{ id, open: true, events: ['opened'] }]);
  await watch.step();
  await watch.save();
  expect((await watching()).relearned).toBeUndefined();
});

test('an alert that a detector which began anew does not follow is closed, once, and says why', async () => {
  const id = await lateNewsletter();
  const lost = anAlert({ id: 'alr_lost', scope: { kind: 'property.is_set' }, openedAt: Date.now() - MINUTE_MS });
  await recordAlertEvents(database.pool, [{ type: 'opened', at: lost.openedAt, alert: lost }]);
  await database.pool.query(`update monitor_saves set state = '\\x00'`);
  for (let again = 0; again < 2; again++) {
    const watch = await watching();
    await watch.step();
    expect(await alerts()).toMatchObject([
      { id, open: true, events: ['opened'] },
      { id: 'alr_lost', open: false, events: ['opened', 'resolved'], summary: expect.stringContaining('begin anew') },
    ]);
  }
});

test('what a detector that learned anew follows and nobody was told of is told', async () => {
  const id = await lateNewsletter();
  await database.pool.query('delete from alert_events');
  await database.pool.query('delete from alerts');
  await database.pool.query(`update monitor_saves set state = '\\x00'`);
  await watching();
  expect(await alerts()).toMatchObject([{ id, open: true, events: ['opened'] }]);
});
