import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type pg from 'pg';
import { openClient } from '../../../../src/database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { type Ended, endCalculations } from '../../../support/ended.ts';
import { type Receiver, startReceiver } from '../../../support/receiver.ts';
import { startWatch } from '../../../support/watching.ts';
import { createWorkspace, defineSegment } from '../../../support/workspace.ts';
import { alertsOf, diagnose, settled } from '../alerts/sending.ts';

const HOUR_MS = 3_600_000;
const SECRET = 'a-secret-of-the-tests';
const SEGMENTS = 24;
const EVERY_MS = 1_200_000;
/** Hours: until then everything is normal, then one kind is three times slower, then normal again. */
const SLOW_FROM = 96;
const SLOW_UNTIL = 104;
const HOURS = 112;

let database: TestDatabase;
let client: pg.Client;
let receiver: Receiver;
let workspaceId: number;
beforeEach(async () => {
  database = await createTestDatabase();
  client = await openClient(database.url);
  receiver = await startReceiver();
  workspaceId = await createWorkspace(database.pool, 'acme');
  for (let i = 0; i < SEGMENTS; i++)
    await defineSegment(database.pool, workspaceId, `segment-${i}`, { type: 'all', of: [] });
});
afterEach(async () => {
  await receiver.stop();
  await client.end();
  await database.drop();
});

const begin = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - HOURS * HOUR_MS;
const noise = (i: number): number => Math.exp(0.2 * Math.sin(i * 12.9898) * 2);

/** Each segment once in 20 minutes; a third of them has `property.is_set`. */
const hours = (from: number, to: number): Ended[] =>
  Array.from({ length: (to - from) * 3 * SEGMENTS }, (_, n) => {
    const i = n + from * 3 * SEGMENTS;
    const segment = i % SEGMENTS;
    const isSet = segment % 3 === 0;
    const at = begin + Math.floor(i / SEGMENTS) * EVERY_MS + segment * 7_000;
    const isSlow = isSet && at >= begin + SLOW_FROM * HOUR_MS && at < begin + SLOW_UNTIL * HOUR_MS;
    return {
      segment: `segment-${segment}`,
      finishedAt: new Date(at),
      kinds: isSet ? ['property.is_set'] : ['property.equals'],
      durationMs: (20 + segment * 10) * noise(i) * (isSlow ? 3 : 1),
    };
  });

/** What ended in these hours is judged as a leader does that begins now, and that has those hours behind it then. */
const judge = async (from: number, to: number): Promise<void> => {
  await endCalculations(database.pool, workspaceId, hours(from, to));
  const watch = await startWatch(client, { behindMs: Date.now() - (begin + to * HOUR_MS), stepFacts: 2_000 });
  while ((await watch.step()).more);
};

const isSigned = (secret: string, header: unknown, text: string): boolean => {
  const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(header)) ?? [];
  return createHmac('sha256', secret).update(`${seconds}.${text}`).digest('hex') === signature;
};

test('from calculations that get slow to a signed notice at a webhook with their scope, and one when it is over', async () => {
  const alerts = alertsOf(database, { webhookUrl: receiver.url, webhookSecret: SECRET });
  alerts.start();
  try {
    await judge(0, SLOW_FROM);
    expect((await database.pool.query('select from alerts')).rows).toEqual([]);
    await judge(SLOW_FROM, SLOW_UNTIL);
    const { rows } = await database.pool.query<{ id: string }>('select id from alerts');
    expect(rows).toHaveLength(1);
    const id = rows[0]?.id ?? '';
    // Why it is slow is found out by another part; its notice waits for that.
    await diagnose(database, id);
    await settled(database, 'webhook');
    await judge(SLOW_UNTIL, HOURS);
    await settled(database, 'webhook');
    await judge(HOURS, HOURS);
    await settled(database, 'webhook');

    const notices = receiver.received.map(({ json }) => json);
    const events = notices.map(({ evenkeel }) => evenkeel.event as string);
    expect([events.filter((type) => type === 'opened'), events.at(-1)]).toEqual([['opened'], 'resolved']);
    expect(events.filter((type) => type === 'resolved')).toHaveLength(1);
    for (const notice of notices)
      expect(notice.evenkeel.alert).toMatchObject({ id, scope: { kind: 'property.is_set' } });
    expect(notices[0]).toMatchObject({
      status: 'firing',
      commonLabels: { alertname: 'SegmentCalculationsSlow', kind: 'property.is_set' },
    });
    expect(notices.at(-1)).toMatchObject({ status: 'resolved' });
    for (const { headers, text } of receiver.received)
      expect(isSigned(SECRET, headers['evenkeel-signature'], text)).toBe(true);
  } finally {
    await alerts.stop();
  }
}, 120_000);
