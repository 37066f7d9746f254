import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPool } from '../../../../src/database/connect.ts';
import type { Queryable } from '../../../../src/database/port.ts';
import { silentLog } from '../../../../src/core/log.ts';
import { Alerts } from '../../../../src/monitoring/alerts/alerts.ts';
import { webhookChannel } from '../../../../src/monitoring/alerts/channels.ts';
import { Feed } from '../../../../src/monitoring/alerts/feed.ts';
import { Outbox } from '../../../../src/monitoring/alerts/outbox.ts';
import { noticeKey } from '../../../../src/monitoring/alerts/payload.ts';
import { anAlert, escalated, opened, resolved } from '../../../support/alerts.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { type Receiver, startReceiver, until } from '../../../support/receiver.ts';
import { alertsOf, empty, notifications, open, POLL_MS, PUBLIC_URL, record, settled } from './sending.ts';

/** Several that send at once, and some that die while they do. */

const SENDER = join(import.meta.dirname, 'sender-process.ts');

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

const start = (): Alerts => {
  const alerts = alertsOf(database, { webhookUrl: receiver.url });
  alerts.start();
  running.push(alerts);
  return alerts;
};
/** As if their minute had passed. */
const endLeases = async (): Promise<void> => {
  await database.pool.query(
    `update alert_notifications set leased_until = now() - interval '1 s' where channel = 'webhook'`,
  );
};
const keys = (): unknown[] => receiver.received.map(({ headers }) => headers['idempotency-key']);
const statuses = (id: string): string[] =>
  receiver.received.filter(({ json }) => json.evenkeel.alert.id === id).map(({ json }) => json.status);

test('ten at once send each notice once, and the end of an alert after its beginning', async () => {
  receiver.answer((response) => void setTimeout(() => response.end(), 5));
  for (let i = 0; i < 10; i += 1) start();
  const alerts = Array.from({ length: 12 }, (_, i) => anAlert({ id: `alr_${i}` }));
  await Promise.all(alerts.map((alert) => open(database, opened(alert))));
  await settled(database, 'webhook');
  await Promise.all(alerts.map((alert) => record(database, escalated(alert, 'critical'))));
  await Promise.all(alerts.map((alert) => record(database, resolved(alert))));
  await settled(database, 'webhook');
  expect(new Set(keys()).size).toBe(receiver.received.length);
  for (const { id } of alerts) {
    const all = statuses(id);
    expect([id, all[0], all.at(-1), all.filter((status) => status === 'resolved').length]).toEqual([
      id,
      'firing',
      'resolved',
      1,
    ]);
  }
});

test('what a process has taken and not marked goes out when its lease ends, with the same key', async () => {
  await open(database, opened(anAlert()));
  const dead = new Outbox(database.pool);
  await dead.announce(['webhook', 'log']);
  const [taken] = (await dead.hand('webhook', 4)).taken;
  const key = taken && noticeKey(taken.stored, taken.waiting.at(-1)?.eventId ?? 0);
  // It dies after the receiver has it and before the mark: nobody sends it for as long as it may yet live.
  start();
  await until('the other has looked', async () => (await notifications(database, 'log'))[0]?.state === 'delivered');
  await sleep(5 * POLL_MS);
  expect(receiver.received).toEqual([]);
  expect((await dead.hand('webhook', 4)).taken).toEqual([]);
  await endLeases();
  await settled(database, 'webhook');
  expect(keys()).toEqual([key]);
  expect(await notifications(database, 'webhook')).toMatchObject([{ state: 'delivered', attempts: 2 }]);
});

test('a process that is killed after the receiver has it and before it has the answer: it comes once more, as the same', async () => {
  const killed: Promise<unknown>[] = [];
  const child = spawn(process.execPath, ['--import', 'tsx', SENDER, database.url, receiver.url], { stdio: 'ignore' });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  receiver.answer(() => {
    child.kill('SIGKILL');
    killed.push(exit);
  });
  try {
    await open(database, opened(anAlert()));
    await until('it was killed', () => killed.length > 0);
    await exit;
    receiver.answer((response) => response.end());
    expect(await notifications(database, 'webhook')).toMatchObject([{ state: 'waiting', attempts: 1 }]);
    start();
    await sleep(5 * POLL_MS);
    expect(receiver.received).toHaveLength(1);
    await endLeases();
    await settled(database, 'webhook');
    expect(receiver.received.map(({ json }) => json.status)).toEqual(['firing', 'firing']);
    expect(new Set(keys()).size).toBe(1);
  } finally {
    child.kill('SIGKILL');
    await exit;
  }
});

test('what is delivered is not sent again by whoever starts later', async () => {
  await open(database, opened(anAlert()));
  await start().stop();
  for (let i = 0; i < 3; i += 1) {
    const alerts = start();
    await settled(database, 'webhook');
    await alerts.stop();
  }
  expect(receiver.received).toHaveLength(1);
});

test('a process that stops waits for what it is sending, and marks it', async () => {
  let arrived = false;
  receiver.answer((response) => {
    arrived = true;
    setTimeout(() => response.end(), 200);
  });
  const alerts = start();
  await open(database, opened(anAlert()));
  await until('it is being sent', () => arrived);
  await alerts.stop();
  expect(await notifications(database, 'webhook')).toMatchObject([{ state: 'delivered', attempts: 1 }]);
});

test('a mark that the database does not take is tried until it does', async () => {
  const pool = openPool(database.url, {
    max: 2,
    onConnect: async (client) => void (await client.query(`set lock_timeout = '50ms'`)),
  });
  let refuse = 3;
  // The database is there and says no: a lock that is not had in time.
  const blocker = await database.pool.connect();
  const lock = async (): Promise<void> => {
    await blocker.query('begin');
    await blocker.query('lock table alert_notifications in access exclusive mode');
  };
  receiver.answer((response) => void lock().then(() => response.end()));
  const alerts = new Alerts({
    pool,
    log: { ...silentLog, debug: () => void (refuse -= 1) },
    settings: { publicUrl: PUBLIC_URL, webhookUrl: receiver.url, webhookAllowPrivate: true },
    pollMs: POLL_MS,
  });
  try {
    await open(database, opened(anAlert()));
    alerts.start();
    await until('marks were refused', () => refuse <= 0 && receiver.received.length > 0);
    await blocker.query('rollback');
    await settled(database, 'webhook');
    expect(receiver.received).toHaveLength(1);
  } finally {
    blocker.release();
    await alerts.stop();
    await pool.end();
  }
});

test('a channel with a fault of its own holds up no other, and gives back what it took', async () => {
  await open(database, opened(anAlert()));
  const faulty = {
    name: 'alertmanager' as const,
    target: 'nowhere',
    send: () => {
      throw new RangeError('a fault');
    },
  };
  const settings = { publicUrl: PUBLIC_URL };
  const healthy = webhookChannel({ ...settings, webhookAllowPrivate: true }, new URL(receiver.url));
  const alerts = new Alerts({
    pool: database.pool,
    log: silentLog,
    settings,
    channels: [faulty, healthy],
    pollMs: POLL_MS,
  });
  running.push(alerts);
  alerts.start();
  await settled(database, 'webhook');
  await until(
    'it is given back',
    async () => (await notifications(database, 'alertmanager'))[0]?.error === 'unexpected: a fault',
  );
});

test('who follows goes on after the database did not answer', async () => {
  const gone = new AbortController();
  let refused = 0;
  const flaky = {
    query: (...args: unknown[]) => {
      if (String(args[0]).includes('then_alert') && refused < 2) {
        refused += 1;
        return Promise.reject(new Error('terminating connection'));
      }
      return database.pool.query(args[0] as string, args[1] as unknown[]);
    },
  };
  const feed = new Feed({ db: flaky as Queryable, log: silentLog, publicUrl: PUBLIC_URL, pollMs: POLL_MS });
  try {
    await record(database, opened(anAlert()));
    for await (const event of feed.watch('operator', 0, gone.signal)) {
      expect(event).toMatchObject({ type: 'opened', alert: { id: 'alr_1' } });
      break;
    }
    expect(refused).toBe(2);
  } finally {
    gone.abort();
    feed.stop();
  }
});
