import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type pg from 'pg';
import { openClient } from '../../../../src/database/connect.ts';
import { Watch } from '../../../../src/monitoring/live/watch.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { type Ended, endCalculations } from '../../../support/ended.ts';
import { startWatch } from '../../../support/watching.ts';
import { createWorkspace, defineSegment } from '../../../support/workspace.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** In this time each segment is calculated once. */
const ROUND_MS = HOUR_MS / 3;
const SEGMENTS = 24;
const DAYS = 8;

let database: TestDatabase;
let client: pg.Client;
beforeEach(async () => {
  database = await createTestDatabase();
  client = await openClient(database.url);
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

const watching = (): Promise<Watch> => startWatch(client, { stepFacts: 2_000 });

/** Twelve days, each segment once in 20 minutes; a third of them has the kind `property.is_set`, that is three times slower for the last day. */
const history = (): Ended[] => {
  // Never so long ago that it would be stale.
  const end = Math.floor(Date.now() / ROUND_MS) * ROUND_MS;
  const noise = (i: number): number => Math.exp(0.2 * Math.sin(i * 12.9898) * 2);
  return Array.from({ length: DAYS * 72 * SEGMENTS }, (_, i) => {
    const segment = i % SEGMENTS;
    const atMs = end - DAYS * DAY_MS + Math.floor(i / SEGMENTS) * ROUND_MS + segment * 7_000;
    const isSet = segment % 3 === 0;
    const slow = isSet && atMs > end - DAY_MS ? 3 : 1;
    return {
      segment: `segment-${segment}`,
      finishedAt: new Date(atMs),
      kinds: isSet ? ['property.is_set'] : ['property.equals'],
      durationMs: (20 + segment * 10) * noise(i) * slow,
    };
  });
};

const run = async (watch: Watch): Promise<void> => {
  while ((await watch.step()).more);
};

test('a kind that gets slow becomes an alert, whoever leads, and everybody sees it', async () => {
  const { pool } = database;
  const workspaceId = await createWorkspace(pool, 'acme');
  for (let i = 0; i < SEGMENTS; i++) await defineSegment(pool, workspaceId, `segment-${i}`, { type: 'all', of: [] });
  const all = history();
  const half = all.length - 72 * SEGMENTS + 10 * SEGMENTS;
  await endCalculations(pool, workspaceId, all.slice(0, half));
  const first = await watching();
  await run(first);
  await first.save();
  await endCalculations(pool, workspaceId, all.slice(half));
  const second = await watching();
  await run(second);
  const { rows } = await pool.query(
    `select alert_id, count(*) filter (where type = 'opened')::int as opened, min(alert -> 'scope' ->> 'kind') as kind
     from alert_events where alert ->> 'rule' = 'slow' group by 1`,
  );
  expect(rows).toEqual([{ alert_id: expect.any(String), opened: 1, kind: 'property.is_set' }]);
  const { view } = await second.step();
  const kind = view.slices.find(({ scope }) => scope.kind === 'property.is_set');
  expect(kind).toMatchObject({ ratio: expect.closeTo(3, 0), alerts: [rows[0]?.alert_id] });
  expect(kind?.rollingMs).toBeGreaterThan(2 * (kind?.baselineMs ?? Number.POSITIVE_INFINITY));
  expect(view.openAlerts).toMatchObject([{ id: rows[0]?.alert_id, scope: { kind: 'property.is_set' } }]);
  const shown = await pool.query<{ ratio: number }>(
    `select exp(sum(residual) / sum(judged)) as ratio from monitor_hours
     where scope = 'kind' and name = 'property.is_set' and bucket >= now() - interval '12 hours'`,
  );
  expect(shown.rows[0]?.ratio).toBeCloseTo(3, 0);
  await second.save();
  const baselines = await pool.query(
    'select count(distinct segment)::int as n from monitor_baselines where calculations > 0',
  );
  expect(baselines.rows).toEqual([{ n: SEGMENTS }]);
}, 120_000);
