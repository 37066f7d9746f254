import { setTimeout as sleep } from 'node:timers/promises';
import { readHealth, readWork, WATCHED_TABLES } from '../../../src/http/metrics/read.ts';
import { openClient, openPool } from '../../../src/database/connect.ts';
import { call, startTestService, type TestService } from './service.ts';

const PATIENCE_MS = 60_000;

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

/** The sum of a metric's samples whose labels contain `labels`. */
const valueOf = (text: string, name: string, labels = ''): number =>
  text
    .split('\n')
    .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);

const scrape = async (): Promise<string> => (await call(`${service.url}/metrics`)).text;

/** What cannot be read in time is left out of a scrape, which happens where the machine is busy. */
const scrapeWith = async (...names: string[]): Promise<string> => {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const text = await scrape();
    if (names.every((name) => text.includes(`\n${name}`)) || Date.now() > until) return text;
    await sleep(200);
  }
};

it('times what it does: writes until they are visible, waits for the queue and for connections', async () => {
  for (const userId of ['a', 'b', 'c'])
    expect((await call(`${service.url}/v1/identify`, { body: { userId, traits: { plan: 'pro' } } })).status).toBe(200);
  const condition = { type: 'property', property: 'plan', operator: 'is_set' };
  await call(`${service.url}/v1/segments`, { body: { key: 'pro', name: 'Pro', condition } });
  const asked = await call(`${service.url}/v1/segments/pro/calculations`, {
    body: { trigger: 'newsletter', deadline: new Date(Date.now() + 600_000).toISOString(), wait: PATIENCE_MS },
  });
  expect(asked.json).toMatchObject({ state: 'succeeded', members: 3 });
  const text = await scrape();
  expect(valueOf(text, 'evenkeel_freshness_seconds_count', 'source="write"')).toBe(3);
  expect(valueOf(text, 'evenkeel_freshness_seconds_sum', 'source="write"')).toBeGreaterThan(0);
  expect(valueOf(text, 'evenkeel_queue_wait_seconds_count', 'trigger="newsletter"')).toBe(1);
  expect(valueOf(text, 'evenkeel_send_lateness_seconds_bucket', 'le="0"')).toBe(1);
  expect(valueOf(text, 'evenkeel_database_pool_wait_seconds_count', 'pool="doors"')).toBeGreaterThan(3);
  expect(valueOf(text, 'evenkeel_database_pool_wait_seconds_count', 'pool="queue"')).toBeGreaterThan(0);
  expect(valueOf(text, 'evenkeel_build_info', 'version="')).toBe(1);
}, 90_000);

it('tells how PostgreSQL is, from its own statistics', async () => {
  const text = await scrapeWith('evenkeel_postgres_table_bytes');
  expect(valueOf(text, 'evenkeel_postgres_connections', 'state="idle"')).toBeGreaterThan(0);
  expect(valueOf(text, 'evenkeel_postgres_connections_limit')).toBeGreaterThan(10);
  expect(valueOf(text, 'evenkeel_postgres_database_bytes')).toBeGreaterThan(1_000_000);
  expect(valueOf(text, 'evenkeel_postgres_blocks_hit_total')).toBeGreaterThan(0);
  expect(valueOf(text, 'evenkeel_postgres_transaction_id_age')).toBeGreaterThan(0);
  for (const table of WATCHED_TABLES) expect(text).toContain(`evenkeel_postgres_table_bytes{table="${table}"}`);
  expect(valueOf(text, 'evenkeel_postgres_table_bytes', 'table="users"')).toBeGreaterThan(0);
}, 90_000);

it('sees a transaction that is held open, and what it keeps from vacuum', async () => {
  const holder = await openClient(service.database.url, { applicationName: 'holder' });
  try {
    await holder.query('begin isolation level repeatable read');
    await holder.query('select count(*) from users');
    for (let i = 0; i < 3; i += 1) await service.database.pool.query('select pg_current_xact_id()');
    await sleep(50);
    const health = await readHealth(service.database.pool);
    expect(health.oldestTransactionSeconds).toBeGreaterThan(0.04);
    expect(health.oldestXminAge).toBeGreaterThanOrEqual(3);
    expect(health.connections['idle in transaction']).toBeGreaterThanOrEqual(1);
  } finally {
    await holder.end();
  }
});

it('tells of the watch: whether it leads, how far behind it is, and what is open', async () => {
  const text = await scrapeWith('evenkeel_detector_lag_seconds ');
  expect(valueOf(text, 'evenkeel_detector_leading')).toBe(1);
  expect(valueOf(text, 'evenkeel_detector_lag_seconds')).toBeLessThan(60);
  expect(text).toContain('\nevenkeel_recorder_lag_seconds ');
  expect(text).toContain('\nevenkeel_open_alerts{rule="slow",severity="critical"} 0\n');
  expect(text).toContain('\nevenkeel_alerts_open 0\n');
}, 90_000);

it('sends that are overdue are seen while they wait', async () => {
  const { pool } = service.database;
  expect((await readWork(pool)).queue.overdue).toBe(0);
  await pool.query(
    `insert into calculations (workspace_id, segment_key, trigger, deadline, run_after)
     select id, 'gone', 'newsletter', now() - interval '1 minute', 'infinity' from workspaces limit 1`,
  );
  expect((await readWork(pool)).queue).toMatchObject({ queued: 1, overdue: 1 });
  await pool.query(`delete from calculations where segment_key = 'gone'`);
});

it('answers without the figures that a lock keeps from it', async () => {
  const holder = await openClient(service.database.url, { applicationName: 'holder' });
  const pool = openPool(service.database.url, { max: 2 });
  try {
    await holder.query('begin');
    await holder.query('lock table users in access exclusive mode');
    await expect(readHealth(pool)).rejects.toThrow('lock timeout');
    expect((await readWork(pool)).queue.running).toBe(0);
  } finally {
    await holder.end();
    await pool.end();
  }
});
