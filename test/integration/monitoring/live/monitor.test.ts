import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Log } from '../../../../src/core/log.ts';
import { Monitor } from '../../../../src/monitoring/monitor.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { endCalculations } from '../../../support/ended.ts';
import { createWorkspace, defineSegment } from '../../../support/workspace.ts';

const POLL_MS = 50;

let database: TestDatabase;
let errors: string[];
let monitors: Monitor[];
beforeEach(async () => {
  database = await createTestDatabase();
  errors = [];
  monitors = [];
});
afterEach(async () => {
  await Promise.all(monitors.map((monitor) => monitor.stop()));
  await database.drop();
});

const log: Log = {
  debug() {},
  info() {},
  warn() {},
  error: (fields, message) => void errors.push(`${message} ${JSON.stringify(fields)}`),
};
const start = (): Monitor => {
  const monitor = new Monitor({
    url: database.url,
    log,
    config: { multiple: 3 },
    retention: { factDays: 10, minuteDays: 10, hourDays: 40 },
    statementTimeoutMs: 60_000,
    startAfterMs: 0,
    stepMs: POLL_MS,
    standbyMs: POLL_MS,
  });
  monitors.push(monitor);
  monitor.start();
  return monitor;
};
const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await what())) await sleep(POLL_MS);
};

test('in threads of two processes: one judges, both show it, and the other goes on when the one stops', async () => {
  const workspaceId = await createWorkspace(database.pool, 'acme');
  await defineSegment(database.pool, workspaceId, 'a', { type: 'all', of: [] });
  const end = (): Promise<number[]> =>
    endCalculations(database.pool, workspaceId, [{ segment: 'a', finishedAt: new Date(Date.now() - 2_000) }]);
  const facts = async (): Promise<number> =>
    (await database.pool.query<{ n: number }>('select count(*)::int as n from monitor_facts')).rows[0]?.n ?? 0;
  const [one, two] = [start(), start()];
  await end();
  await until(async () => (await facts()) === 1);
  await until(() => monitors.every((monitor) => (monitor.view()?.slices[0]?.calculations ?? 0) === 1));
  expect([one.leading, two.leading].toSorted()).toEqual([false, true]);
  const [leader, other] = one.leading ? [one, two] : [two, one];
  expect([leader.view()?.leading, other.view()?.leading]).toEqual([true, false]);
  await leader.stop();
  await until(() => other.leading);
  await end();
  await until(async () => (await facts()) === 2);
  expect(errors).toEqual([]);
}, 120_000);
