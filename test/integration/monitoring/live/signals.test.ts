import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type pg from 'pg';
import { openClient } from '../../../../src/database/connect.ts';
import { recordAlertEvents } from '../../../../src/monitoring/alerts/record.ts';
import { detectorFrom } from '../../../../src/monitoring/live/detector.ts';
import { Partitions, partitionedTables } from '../../../../src/monitoring/live/partitions.ts';
import { Watch } from '../../../../src/monitoring/live/watch.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { type Ended, endCalculations } from '../../../support/ended.ts';
import { createWorkspace, defineSegment } from '../../../support/workspace.ts';

const MINUTE_MS = 60_000;
const BIN_MS = 5 * MINUTE_MS;
const TABLES = partitionedTables({ factDays: 30, minuteDays: 30, hourDays: 60 });

let database: TestDatabase;
let client: pg.Client;
let workspaceId: number;
/** The stream's clock: it begins three hours ago, and goes as the tests say. */
let begin: number;
let nowMs: number;
beforeEach(async () => {
  database = await createTestDatabase();
  client = await openClient(database.url);
  workspaceId = await createWorkspace(database.pool, 'acme');
  await defineSegment(database.pool, workspaceId, 'a', { type: 'all', of: [] });
  begin = Math.floor(Date.now() / BIN_MS) * BIN_MS - 180 * MINUTE_MS;
  nowMs = begin;
  await new Partitions(TABLES).ensure(client, 'monitor_freshness', [begin, Date.now()]);
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

const leading = (): Promise<Watch> =>
  Watch.restore({
    client,
    leader: randomUUID(),
    judgeFrom: detectorFrom({}),
    tables: TABLES,
    timeoutMs: 60_000,
    tell: recordAlertEvents,
    graceMs: 0,
    get behindMs() {
      return Date.now() - nowMs;
    },
  });

const minute = (m: number): number => begin + m * MINUTE_MS;
const end = (m: number, change: Partial<Ended> = {}): Promise<number[]> =>
  endCalculations(database.pool, workspaceId, [{ segment: 'a', finishedAt: new Date(minute(m)), ...change }]);
const sample = async (m: number, waitedMs: number, source = 'write'): Promise<void> => {
  await database.pool.query(
    `insert into monitor_freshness (at, source, workspace_id, waited_ms, open) values ($1, $2, $3, $4, false)`,
    [new Date(minute(m)), source, workspaceId, waitedMs],
  );
};

/** Steps every five minutes. Each time another process leads, that has to know what the one before knew; some have a save to begin from. */
const follow = async (from: number, to: number, before: (m: number) => Promise<unknown>): Promise<void> => {
  let watch = await leading();
  for (let m = from; m <= to; m += 5) {
    await before(m);
    nowMs = minute(m) + 1_000;
    await watch.step();
    const next = await leading();
    expect(next.judge?.save()).toEqual(watch.judge?.save());
    if (m % 15 === 0) await next.save();
    watch = next;
  }
};
const told = async (): Promise<unknown[]> =>
  (
    await database.pool.query<{ type: string; rule: string; minute: number }>(
      `select e.type, a.rule, round(extract(epoch from e.at - $1::timestamptz) / 60)::int as minute
       from alert_events e join alerts a on a.id = e.alert_id order by e.id`,
      [new Date(begin)],
    )
  ).rows.map((row) => `${row.type} ${row.rule} ${row.minute}`);

test('a late newsletter is told once, whoever leads, and is over an hour later', async () => {
  await follow(0, 100, async (m) => {
    await end(m - 1);
    if (m === 10) await end(8, { trigger: 'newsletter', late: true });
  });
  expect(await told()).toEqual(['opened late 10', 'resolved late 75']);
});

test('writes that become visible late are told once, and are over when no write waits any more', async () => {
  await sample(-30, 900_000);
  await follow(0, 60, async (m) => {
    await end(m - 1);
    if (m > 10 && m <= 25) await sample(m - 2, 90_000);
    // How long bitmaps lack a change: calculations see it all the same.
    await sample(m - 3, 900_000, 'fold');
  });
  expect(await told()).toEqual(['opened freshness 20', 'resolved freshness 35']);
});

test('a backlog is told while it waits, and not what is planned for later', async () => {
  const queue = (ago: string, planned: string | null): Promise<unknown> =>
    database.pool.query(
      `insert into calculations (workspace_id, segment_id, segment_key, trigger, requested_at, planned_start_at, attempts)
       select workspace_id, id, key, 'api', now() - $1::interval, now() + $2::interval, 1 from segments`,
      [ago, planned],
    );
  await queue('5 hours', '1 hour');
  await follow(0, 60, async (m) => {
    await end(m - 1);
    if (m === 15) await queue('100 s', null);
    if (m === 30) await database.pool.query(`delete from calculations where state = 'queued'`);
  });
  expect(await told()).toEqual(['opened queue 25', 'resolved queue 40']);
});

test('what waited before it ran counts where nobody saw it wait, and not the first attempts of one that was tried again', async () => {
  await follow(0, 60, async (m) => {
    await end(m - 1, { queueMs: m > 10 && m <= 25 ? 90_000 : 5, attempts: 1 });
    await end(m - 2, { queueMs: 900_000, attempts: 2 });
  });
  expect(await told()).toEqual(['opened queue 20', 'resolved queue 35']);
});
