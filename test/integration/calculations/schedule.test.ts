import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { ensureEvents } from '../../../src/index/catalogue.ts';
import { foldWorkspace } from '../../../src/index/fold.ts';
import { DAY_MS, shardOf } from '../../../src/index/layout.ts';
import { rebuild } from '../../../src/index/rebuild.ts';
import { eraseUser } from '../../../src/ingest/users.ts';
import type { SegmentResource } from '../../../src/calculations/resources.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createWorkspace } from '../../support/workspace.ts';
import { addUsers, blockStoring, type Service, startService, until } from './service.ts';

/** Segments that refresh by themselves. Being due is made in the database; no test waits for an interval. */

const PRO = { type: 'property', property: 'plan', operator: 'equals', value: 'pro' };
const BOUGHT = { type: 'event', event: 'purchase' };
const reference = (segment: string) => ({ type: 'segment', segment });
const HOURLY = { every: { hours: 1 } };
const POLL_MS = 50;
/** Other work may hold up the machine. */
const TIMEOUT_MS = 60_000;
jest.setTimeout(TIMEOUT_MS);

/** A segment's own times of the clock could fall into a test: then the one after the next is taken. */
const NOT_DUE_BY_CHANCE = `
  create function later() returns trigger language plpgsql as $$ begin
    if new.next_refresh_at between clock_timestamp() and clock_timestamp() + interval '1 minute' then
      new.next_refresh_at := new.next_refresh_at + interval '1 hour';
    end if;
    return new;
  end $$;
  create trigger later before update on segments for each row execute function later()`;

let database: TestDatabase;
let service: Service;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(NOT_DUE_BY_CHANCE);
  service = await startService(database, { schedulePollMs: POLL_MS });
}, TIMEOUT_MS);
afterAll(async () => {
  await service?.stop();
  await database?.drop();
});
beforeEach(async () => {
  service = { ...service, workspaceId: await createWorkspace(database.pool, randomUUID()) };
  await addUsers(database, service.workspaceId, 20, (i) => (i % 2 === 0 ? { plan: 'pro' } : { plan: 'free' }));
  await fold();
});
afterEach(async () => {
  await database.pool.query('update segments set next_refresh_at = null');
});

const fold = async (): Promise<void> => {
  const client = await database.pool.connect();
  try {
    await foldWorkspace(client, service.workspaceId);
  } finally {
    client.release();
  }
};
const define = (key: string, refresh: unknown, condition: unknown = PRO): Promise<SegmentResource> =>
  service.segments.create(service.workspaceId, { key, name: key, condition, refresh });
const get = (key: string): Promise<SegmentResource> => service.segments.get(service.workspaceId, key);
const makeDue = async (...keys: string[]): Promise<void> => {
  await database.pool.query(
    'update segments set next_refresh_at = clock_timestamp() where workspace_id = $1 and key = any($2)',
    [service.workspaceId, keys],
  );
};
const calculationsOf = async (key: string) =>
  (await service.calculations.list(service.workspaceId, { segment: key })).calculations;
/** All that was asked for has ended, and nothing is due. */
const quiet = async (): Promise<void> =>
  until(
    async () => {
      const { rows } = await database.pool.query<{ open: boolean }>(
        `select exists (select from segments where asked_open or next_refresh_at <= clock_timestamp())
           or exists (select from calculations where state in ('queued', 'running')) as open`,
      );
      return rows[0]?.open === false;
    },
    'nothing is due and nothing waits',
    TIMEOUT_MS,
  );
/** Makes a segment due. Whether it was calculated again, or skipped. */
const look = async (key: string): Promise<'calculated' | 'skipped'> => {
  const before = { calculations: (await calculationsOf(key)).length, skips: (await get(key)).refreshed?.skips ?? 0 };
  await makeDue(key);
  await quiet();
  const calculated = (await calculationsOf(key)).length - before.calculations;
  const skipped = ((await get(key)).refreshed?.skips ?? 0) - before.skips;
  expect(calculated + skipped).toBe(1);
  return skipped === 1 ? 'skipped' : 'calculated';
};
/** As a writer does. */
const track = async (ordinal: number, name: string, ms: number): Promise<void> => {
  const { workspaceId } = service;
  const shard = shardOf(workspaceId, ordinal);
  const id = (await ensureEvents(database.pool, workspaceId, [name])).get(name);
  await database.pool.query(
    `with stored as (
       insert into events (shard, ordinal, event_id, occurred_at, properties) values ($1, $2, $3, to_timestamp($4::float8 / 1000), '{}')
     )
     insert into pending_events (shard, event_id, day, ordinal) values ($1, $3, $5, $2)`,
    [shard, ordinal, id, ms, Math.floor(ms / DAY_MS)],
  );
};

test('a segment that refreshes is calculated by itself, at once and then when it is due', async () => {
  expect(await define('pro', HOURLY)).toMatchObject({ refresh: HOURLY, refreshed: { skips: 0, failures: 0 } });
  await quiet();
  const [calculation] = await calculationsOf('pro');
  expect(calculation).toMatchObject({ trigger: 'schedule', state: 'succeeded', members: 10 });
  const segment = await get('pro');
  expect(segment).toMatchObject({ lastError: null, refreshed: { intervalMs: 3_600_000, lastAt: expect.any(String) } });
  const inMs = Date.parse(segment.nextRefreshAt ?? '') - Date.now();
  expect(inMs).toBeGreaterThan(-5_000);
  expect(inMs).toBeLessThanOrEqual(2 * 3_600_000);
  // every hour is every hour, changed or not
  expect(await look('pro')).toBe('calculated');
});

test('one that does not refresh is left alone; refreshing can be begun, changed and ended', async () => {
  expect(await define('pro', null)).toMatchObject({ refresh: null, nextRefreshAt: null, refreshed: null });
  await service.segments.update(service.workspaceId, 'pro', { refresh: 'auto' });
  await quiet();
  expect(await calculationsOf('pro')).toHaveLength(1);
  // a new condition is calculated without waiting for the interval
  await service.segments.update(service.workspaceId, 'pro', { condition: { ...PRO, value: 'free' } });
  await quiet();
  expect(await calculationsOf('pro')).toHaveLength(2);
  await service.segments.update(service.workspaceId, 'pro', { name: 'still the same' });
  await service.segments.update(service.workspaceId, 'pro', { refresh: null });
  expect(await get('pro')).toMatchObject({ refresh: null, nextRefreshAt: null, refreshed: null });
  expect(await calculationsOf('pro')).toHaveLength(2);
});

test('auto: it is skipped while nothing that it reads has changed, and that is recorded', async () => {
  await define('pro', 'auto');
  await quiet();
  expect(await look('pro')).toBe('skipped');
  expect(await get('pro')).toMatchObject({ refreshed: { skips: 1, lastSkippedAt: expect.any(String) } });
  // another property is none of its business; that nobody new came is told from the population
  await addUsers(database, service.workspaceId, 1, () => ({ plan: 'free' }), 1);
  await fold();
  expect(await look('pro')).toBe('calculated');
  await database.pool.query(
    `insert into pending_properties (shard, property_id, ordinal)
     select $1, id, 0 from properties where workspace_id = $2 and path = 'other'`,
    [shardOf(service.workspaceId, 0), service.workspaceId],
  );
  expect(await look('pro')).toBe('skipped');
  // also what was calculated for somebody else counts
  await addUsers(database, service.workspaceId, 1, () => ({ plan: 'pro' }), 1);
  await fold();
  await service.calculations.request(service.workspaceId, 'pro', { trigger: 'manual', wait: 30_000 });
  expect(await look('pro')).toBe('skipped');
});

test('auto: what is pending, an erasure, a rebuild and an edit further down are changes', async () => {
  await define('pro', null);
  await define('top', 'auto', { type: 'not', of: reference('pro') });
  await quiet();
  expect(await look('top')).toBe('skipped');
  await addUsers(database, service.workspaceId, 1, () => ({ plan: 'pro' }), 1);
  expect(await look('top')).toBe('calculated');
  await fold();
  expect(await look('top')).toBe('calculated');
  expect(await look('top')).toBe('skipped');
  await eraseUser(database.pool, service.workspaceId, 'u3');
  expect(await look('top')).toBe('calculated');
  await fold();
  await look('top');
  expect(await look('top')).toBe('skipped');
  await service.segments.update(service.workspaceId, 'pro', { condition: { ...PRO, value: 'free' } });
  expect(await look('top')).toBe('calculated');
  expect(await look('top')).toBe('skipped');
  const client = await database.pool.connect();
  await rebuild(client, service.workspaceId);
  client.release();
  expect(await look('top')).toBe('calculated');
  expect(await look('top')).toBe('skipped');
});

test('auto: an event whose time comes is a change, though nobody wrote anything', async () => {
  await track(1, 'purchase', Date.now() + DAY_MS);
  await fold();
  await define('bought', 'auto', BOUGHT);
  await quiet();
  expect((await calculationsOf('bought'))[0]).toMatchObject({ members: 0 });
  expect(await look('bought')).toBe('skipped');
  // a day goes by
  await database.pool.query('update events set occurred_at = clock_timestamp() where shard / 1048576 = $1', [
    service.workspaceId,
  ]);
  expect(await look('bought')).toBe('calculated');
  expect(await look('bought')).toBe('skipped');
});

test('auto: a condition with units of time is calculated each time', async () => {
  await define('recent', 'auto', { ...BOUGHT, within: { last: { days: 30 } } });
  await quiet();
  expect(await get('recent')).toMatchObject({ refreshed: { intervalMs: 3_600_000 } });
  expect(await look('recent')).toBe('calculated');
});

test('two processes: each segment that is due is calculated once', async () => {
  const other = await startService(database, { workspaceId: service.workspaceId, schedulePollMs: POLL_MS });
  const keys = Array.from({ length: 40 }, (_, i) => `s${i}`);
  for (const key of keys) await define(key, null);
  await database.pool.query(
    `update segments set refresh = '{"every":{"hours":1}}', next_refresh_at = clock_timestamp() where workspace_id = $1`,
    [service.workspaceId],
  );
  await quiet();
  const { rows } = await database.pool.query(
    `select segment_key from calculations where workspace_id = $1 group by segment_key having count(*) <> 1`,
    [service.workspaceId],
  );
  expect(rows).toEqual([]);
  expect(await calculationsOf('s39')).toHaveLength(1);
  await other.stop();
});

test('downtime is caught up with once', async () => {
  await define('pro', HOURLY);
  await quiet();
  await database.pool.query(
    `update segments set next_refresh_at = now() - interval '10 days' where workspace_id = $1`,
    [service.workspaceId],
  );
  await quiet();
  await sleep(500);
  expect(await calculationsOf('pro')).toHaveLength(2);
  expect(Date.parse((await get('pro')).nextRefreshAt ?? '')).toBeGreaterThan(Date.now() - 5_000);
});

test('while one waits no second one is asked for', async () => {
  await define('pro', HOURLY);
  await quiet();
  await database.pool.query(`update segments set asked_open = true where workspace_id = $1`, [service.workspaceId]);
  await database.pool.query(
    `update calculations set state = 'queued', run_after = 'infinity', attempts = 1 where workspace_id = $1`,
    [service.workspaceId],
  );
  for (let i = 0; i < 3; i += 1) {
    await makeDue('pro');
    await until(async () => Date.parse((await get('pro')).nextRefreshAt ?? '') > Date.now(), 'it was looked at');
  }
  expect(await calculationsOf('pro')).toHaveLength(1);
  expect(await get('pro')).toMatchObject({ refreshed: { skips: 0 } });
  await database.pool.query(`update calculations set run_after = '-infinity' where workspace_id = $1`, [
    service.workspaceId,
  ]);
});

test('one bad segment never fails or delays the others', async () => {
  await define('a-bad', HOURLY);
  await define('b', HOURLY);
  await quiet();
  await database.pool.query(
    `update segments set condition = '{"type":"nonsense"}' where workspace_id = $1 and key = 'a-bad'`,
    [service.workspaceId],
  );
  await makeDue('a-bad', 'b');
  await quiet();
  expect(await calculationsOf('b')).toHaveLength(2);
  expect(await calculationsOf('a-bad')).toHaveLength(1);
  const { rows } = await database.pool.query(
    `select failures, last_error->>'code' as code, next_refresh_at > now() as rests from segments where workspace_id = $1 and key = 'a-bad'`,
    [service.workspaceId],
  );
  expect(rows).toEqual([{ failures: 1, code: 'invalid', rests: true }]);
});

test('of several that are due, sources wait before those that depend on them', async () => {
  await define('c', null);
  await define('b', null, reference('c'));
  await define('a', null, { type: 'any', of: [reference('b'), reference('c')] });
  await database.pool.query(
    `update segments set refresh = '"auto"', next_refresh_at = now() - interval '1 second' * (4 - id % 4) where workspace_id = $1`,
    [service.workspaceId],
  );
  await quiet();
  const { rows } = await database.pool.query<{ segment_key: string }>(
    'select segment_key from calculations where workspace_id = $1 order by requested_at',
    [service.workspaceId],
  );
  expect(rows.map((row) => row.segment_key)).toEqual(['c', 'b', 'a']);
});

test('a dependent segment never finishes on a half-built source', async () => {
  await define('source', null);
  await define('dependent', null, reference('source'));
  const calculate = (key: string) => service.calculations.request(service.workspaceId, key, { wait: 30_000 });
  await calculate('source');
  // The source's snapshot is older than these users; another calculation of it cannot even begin.
  await addUsers(database, service.workspaceId, 5, () => ({ plan: 'pro' }), 100);
  await database.pool.query(
    `insert into calculations (workspace_id, segment_id, segment_key, trigger, run_after)
     select workspace_id, id, key, 'api', 'infinity' from segments where workspace_id = $1 and key = 'source'`,
    [service.workspaceId],
  );
  expect(await calculate('dependent')).toMatchObject({ state: 'succeeded', members: 15 });
  await database.pool.query(`delete from calculations where run_after = 'infinity'`);
});

test('membership that changes never triggers a recalculation, of itself or of others', async () => {
  await define('source', 'auto');
  await define('dependent', 'auto', reference('source'));
  await quiet();
  await addUsers(database, service.workspaceId, 5, () => ({ plan: 'pro' }), 100);
  expect(await look('source')).toBe('calculated');
  expect((await calculationsOf('source'))[0]).toMatchObject({ entered: 5 });
  await sleep(500);
  expect(await calculationsOf('source')).toHaveLength(2);
  expect(await calculationsOf('dependent')).toHaveLength(1);
});

test('a segment with errors stays in the schedule, ever more seldom, and says why', async () => {
  const { workspaceId } = service;
  await service.stop();
  service = await startService(database, { statementTimeoutMs: 500, workspaceId, schedulePollMs: POLL_MS });
  const release = await blockStoring(database);
  try {
    await define('pro', HOURLY);
    await quiet();
    const failed = await get('pro');
    expect(failed).toMatchObject({
      lastError: { code: 'timeout', message: expect.any(String), at: expect.any(String) },
      refreshed: { failures: 1 },
    });
    const restMs = Date.parse(failed.nextRefreshAt ?? '') - Date.parse(failed.lastError?.at ?? '');
    expect(restMs).toBe(2 * 60_000);
    expect(await look('pro')).toBe('calculated');
    expect(await get('pro')).toMatchObject({ refreshed: { failures: 2 } });
  } finally {
    await release();
  }
  expect(await look('pro')).toBe('calculated');
  expect(await get('pro')).toMatchObject({ lastError: null, refreshed: { failures: 0 } });
});
