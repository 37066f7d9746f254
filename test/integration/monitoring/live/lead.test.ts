import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Log } from '../../../../src/core/log.ts';
import { recordAlertEvents } from '../../../../src/monitoring/alerts/record.ts';
import { Lead, MONITOR_LOCK } from '../../../../src/monitoring/live/lead.ts';
import { partitionedTables } from '../../../../src/monitoring/live/partitions.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { endCalculations } from '../../../support/ended.ts';
import { RecordingJudge } from '../../../support/recording-judge.ts';
import { createWorkspace, defineSegment } from '../../../support/workspace.ts';

const STEP_MS = 20;

let database: TestDatabase;
let workspaceId: number;
let leads: Lead[];
let errors: string[];
beforeEach(async () => {
  database = await createTestDatabase();
  workspaceId = await createWorkspace(database.pool, 'acme');
  await defineSegment(database.pool, workspaceId, 'a', { type: 'all', of: [] });
  leads = [];
  errors = [];
});
afterEach(async () => {
  await Promise.all(leads.map((lead) => lead.stop()));
  await database.drop();
});

const log: Log = {
  debug() {},
  info() {},
  warn() {},
  error: (fields, message) => void errors.push(`${message} ${String((fields as { err?: unknown }).err)}`),
};

const start = (change: { readonly leaseMs?: number } = {}): Lead => {
  const lead = new Lead({
    url: database.url,
    log,
    leader: randomUUID(),
    judgeFrom: (state) => new RecordingJudge(state),
    tables: partitionedTables({ factDays: 10, minuteDays: 5, hourDays: 60 }),
    timeoutMs: 60_000,
    tell: recordAlertEvents,
    graceMs: 0,
    stepMs: STEP_MS,
    standbyMs: STEP_MS,
    ...change,
  });
  leads.push(lead);
  lead.start();
  return lead;
};

const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await what())) await sleep(STEP_MS);
};
const count = async (text: string): Promise<number> =>
  (await database.pool.query<{ n: number }>(`select count(*)::int as n from ${text}`)).rows[0]?.n ?? 0;
const end = async (number: number): Promise<void> => {
  const ended = Array.from({ length: number }, (_, i) => ({
    segment: 'a',
    finishedAt: new Date(Date.now() - 1_000 + i),
  }));
  await endCalculations(database.pool, workspaceId, ended);
};
const endLeadersSession = async (): Promise<void> => {
  await database.pool.query(
    `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = $1::bigint and granted`,
    [MONITOR_LOCK],
  );
};
const leading = (): Lead[] => leads.filter((lead) => lead.leading);
const recorded = (number: number): Promise<void> =>
  until(async () => (await count('calculations where recorded')) === number);

test('of several processes one judges, and when it stops another goes on where it was', async () => {
  for (let i = 0; i < 3; i++) start();
  await until(() => leading().length === 1);
  await end(30);
  await recorded(30);
  const [first] = leading();
  await first?.stop();
  await until(() => leading().length === 1);
  expect(leading()[0]).not.toBe(first);
  await end(30);
  await recorded(60);
  expect(await count('monitor_facts')).toBe(60);
  expect(await count('alert_events')).toBe(6);
  expect(errors).toEqual([]);
});

test('sessions that are lost again and again lose nothing and judge nothing twice', async () => {
  for (let i = 0; i < 2; i++) start();
  let total = 0;
  for (let round = 0; round < 8; round++) {
    await end(25);
    total += 25;
    // in the middle of whatever it is doing
    await sleep(STEP_MS * (round % 3));
    await endLeadersSession();
  }
  await recorded(total);
  expect(await count('monitor_facts')).toBe(total);
  expect(await count('(select distinct calculation_id from monitor_facts) f')).toBe(total);
  expect(await count('alert_events')).toBe(total / 10);
  const { rows } = await database.pool.query(
    `select sum(calculations)::int as n from monitor_hours where scope = 'all'`,
  );
  expect(rows).toEqual([{ n: total }]);
  expect(errors).toEqual([]);
});

test('a leader that hangs is ended by another, and cannot write afterwards', async () => {
  const hanging = new Lead({
    url: database.url,
    log,
    leader: randomUUID(),
    judgeFrom: (state) => new RecordingJudge(state),
    tables: partitionedTables({ factDays: 10, minuteDays: 5, hourDays: 60 }),
    timeoutMs: 60_000,
    // never comes back
    tell: () => sleep(2 ** 30, undefined, { signal: released.signal }),
    graceMs: 0,
    stepMs: STEP_MS,
  });
  const released = new AbortController();
  hanging.start();
  await until(() => hanging.leading);
  await end(20);
  await until(
    async () =>
      (await count(`pg_stat_activity where application_name = 'evenkeel monitor' and state like 'idle in%'`)) > 0,
  );
  const other = start({ leaseMs: 200 });
  await recorded(20);
  expect(other.leading).toBe(true);
  released.abort();
  await hanging.stop();
  expect(await count('monitor_facts')).toBe(20);
  expect(await count('alert_events')).toBe(2);
});

test('a failure is logged, and what it kept from being recorded is recorded as soon as it has passed', async () => {
  await database.pool.query('alter table monitor_facts add constraint broken check (false) not valid');
  start();
  await end(5);
  await until(() => errors.length > 0);
  expect(errors[0]).toContain('it begins anew');
  await database.pool.query('alter table monitor_facts drop constraint broken');
  await recorded(5);
  expect(await count('monitor_facts')).toBe(5);
});
