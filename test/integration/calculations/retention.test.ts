import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { removeOldCalculations } from '../../../src/calculations/retention.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type Ended, endCalculations } from '../../support/ended.ts';
import { createWorkspace, defineSegment } from '../../support/workspace.ts';

const DAY_MS = 86_400_000;

let database: TestDatabase;
let workspaceId: number;
beforeEach(async () => {
  database = await createTestDatabase();
  workspaceId = await createWorkspace(database.pool, 'acme');
  for (const key of ['a', 'b']) await defineSegment(database.pool, workspaceId, key, { type: 'all', of: [] });
});
afterEach(() => database.drop());

const end = async (segment: string, days: number, change: Partial<Ended> = {}): Promise<number> =>
  (
    await endCalculations(database.pool, workspaceId, [
      { segment, finishedAt: new Date(Date.now() - days * DAY_MS), ...change },
    ])
  )[0] ?? 0;
const left = async (): Promise<number[]> =>
  (await database.pool.query<{ id: number }>('select id from calculations order by id')).rows.map(({ id }) => id);

test('what ended long ago and is among the facts goes, page by page, and what something needs stays', async () => {
  const { pool } = database;
  const old = [];
  for (let i = 0; i < 12; i += 1) old.push(await end('a', 100 - i, i % 3 === 0 ? { state: 'cancelled' } : {}));
  const [ofSnapshot, asked, unrecorded] = [await end('a', 80), await end('a', 80), await end('a', 80)];
  const lastSuccess = await end('b', 80);
  const after = await end('b', 79, { state: 'failed', errorCode: 'timeout' });
  const gone = await end('deleted', 78);
  const young = await end('a', 20);
  // A segment's request that waits still, however old.
  const { rows } = await pool.query<{ id: number }>(
    `insert into calculations (workspace_id, segment_id, segment_key, trigger, requested_at)
     select workspace_id, id, key, 'api', now() - interval '70 days' from segments where key = 'a' returning id`,
  );
  await pool.query(`update calculations set requested_at = finished_at where finished_at is not null`);
  await pool.query('update calculations set recorded = id <> $1 where finished_at is not null', [unrecorded]);
  await pool.query(`update segments set asked_id = $1 where key = 'a'`, [asked]);
  await pool.query(
    `with made as (
       insert into snapshots (workspace_id, segment_id, segment_version, as_of, population, members)
       select workspace_id, id, 1, now(), 1, 1 from segments where key = 'a' returning id)
     update calculations set snapshot_id = made.id from made where calculations.id = $1`,
    [ofSnapshot],
  );

  expect(await removeOldCalculations(pool, 200, 4)).toBe(0);
  expect(await left()).toHaveLength(old.length + 8);
  expect(await removeOldCalculations(pool, 60, 4)).toBe(old.length + 1);
  expect(await left()).toEqual([ofSnapshot, asked, unrecorded, lastSuccess, after, young, rows[0]?.id]);
  expect(await left()).not.toContain(gone);
  await pool.query('delete from snapshots');
  expect(await removeOldCalculations(pool, 60, 4)).toBe(1);
});
