import { silentLog } from '../../../../src/core/log.ts';
import { Feed } from '../../../../src/monitoring/alerts/feed.ts';
import { FEED_BATCH } from '../../../../src/monitoring/alerts/limits.ts';
import type { AlertEvent } from '../../../../src/monitoring/types.ts';
import { anAlert, opened } from '../../../support/alerts.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { POLL_MS, PUBLIC_URL, record } from './sending.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('what a workspace may not see ends no page of what it may', async () => {
  const others = anAlert({ scope: { workspace: 'globex' } });
  const everybodys = { ...others, scope: {} };
  const changed = (alert: AlertEvent['alert'], after: number): AlertEvent => ({
    type: 'changed',
    at: alert.openedAt + after,
    alert,
  });
  await record(database, opened(others));
  for (let i = 0; i < FEED_BATCH; i += 1) await record(database, changed(others, i));
  await record(database, changed(everybodys, FEED_BATCH));

  const feed = new Feed({ db: database.pool, log: silentLog, publicUrl: PUBLIC_URL, pollMs: POLL_MS });
  const over = AbortSignal.timeout(10_000);
  const seen: string[] = [];
  for await (const { type, alert } of feed.watch({ workspace: 'acme' }, 0, over)) {
    seen.push(`${type} ${JSON.stringify(alert.scope)}`);
    break;
  }
  feed.stop();
  expect(seen).toEqual(['changed {}']);
});
