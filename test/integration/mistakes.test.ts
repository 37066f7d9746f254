import { call, startTestService, type TestService } from './http/service.ts';

/**
 * Mistakes that shipped elsewhere and cost somebody members. Each is made here with a whole service, as a caller would meet it. Those
 * of schedules (a dependent segment on a half-built source, a segment dropped after errors, one that fails all others, membership that
 * triggers itself) are in test/integration/calculations/schedule.test.ts.
 */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service?.stop());

const batch = async (messages: readonly object[]): Promise<void> => {
  const { status, text } = await call(`${service.url}/v1/batch`, { body: { batch: messages } });
  if (status !== 200) throw new Error(text);
};

const identify = (userId: string, traits: object = {}) => ({ type: 'identify', userId, traits });
const track = (userId: string, event: string, at: number) => ({
  type: 'track',
  userId,
  event,
  timestamp: new Date(at).toISOString(),
});

interface Calculated {
  readonly members: number;
  readonly asOf: string;
  readonly snapshot: string;
}

const define = async (key: string, condition: object): Promise<void> => {
  const { status, text } = await call(`${service.url}/v1/segments`, { body: { key, name: key, condition } });
  if (status !== 201) throw new Error(text);
};

const calculate = async (key: string): Promise<Calculated> => {
  const body = { trigger: 'manual', wait: 30_000 };
  const { json } = await call(`${service.url}/v1/segments/${key}/calculations`, { body });
  expect(json).toMatchObject({ state: 'succeeded' });
  return json as Calculated;
};

const idsOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { userId: string }).userId);

const membersOf = async (path: string): Promise<string[]> => {
  const { text } = await call(`${service.url}${path}`, { headers: { accept: 'application/x-ndjson' } });
  return idsOf(text).sort();
};

test('a window is not floored to a bucket', async () => {
  const now = Date.now();
  // One event every quarter of an hour over three days, each of a user of its own; whole hours or days would lose or add some.
  const times = Array.from({ length: 3 * 96 }, (_, i) => now - i * (HOUR_MS / 4) - 137);
  await batch(times.map((at, i) => track(`window-${i}`, 'seen', at)));
  await define('window', { type: 'event', event: 'seen', within: { last: { hours: 29 } } });
  const { asOf } = await calculate('window');
  const from = Date.parse(asOf) - 29 * HOUR_MS;
  const wanted = times.flatMap((at, i) => (at >= from ? [`window-${i}`] : []));
  expect(await membersOf('/v1/segments/window/members')).toEqual(wanted.sort());
});

test('fewer than n holds for those who have none', async () => {
  await batch([
    identify('fewer-none'),
    ...[1, 2, 3].map((n) => track('fewer-three', 'bought', Date.now() - n * DAY_MS)),
    track('fewer-one', 'bought', Date.now() - DAY_MS),
  ]);
  await define('fewer', {
    type: 'all',
    of: [
      { type: 'event', event: 'bought', count: { atMost: 2 }, within: { last: { days: 30 } } },
      { type: 'not', of: { type: 'event', event: 'seen' } },
    ],
  });
  await calculate('fewer');
  expect(await membersOf('/v1/segments/fewer/members')).toEqual(['fewer-none', 'fewer-one']);
});

test('a recalculation removes who does not belong any more, also where nobody belongs any more', async () => {
  const holders = ['gone-a', 'gone-b', 'gone-c'];
  await batch(holders.map((id) => identify(id, { plan: 'gold' })));
  await define('gold', { type: 'property', property: 'plan', operator: 'equals', value: 'gold' });
  expect(await calculate('gold')).toMatchObject({ members: 3, entered: 3, left: 0 });
  await batch([identify('gone-a', { plan: 'silver' })]);
  expect(await calculate('gold')).toMatchObject({ members: 2, entered: 0, left: 1 });
  expect(await membersOf('/v1/segments/gold/members')).toEqual(['gone-b', 'gone-c']);
  await batch([identify('gone-b', { plan: null }), identify('gone-c', { plan: 'silver' })]);
  expect(await calculate('gold')).toMatchObject({ members: 0, entered: 0, left: 2 });
  expect(await membersOf('/v1/segments/gold/members')).toEqual([]);
});

test('pages of members neither miss nor repeat anybody while the set changes', async () => {
  const ids = Array.from({ length: 60 }, (_, i) => `page-${String(i).padStart(2, '0')}`);
  await batch(ids.map((id) => identify(id, { listed: true })));
  await define('listed', { type: 'property', property: 'listed', operator: 'equals', value: true });
  const { snapshot } = await calculate('listed');
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { json } = await call(`${service.url}/v1/segments/listed/members?limit=7${query}`);
    expect(json.snapshot).toBe(snapshot);
    seen.push(...json.members.map((member: { userId: string }) => member.userId));
    cursor = json.nextCursor;
    // Between two pages those who were shown leave and others come: an offset would now skip as many.
    const leaving = seen.slice(-7).map((id) => identify(id, { listed: false }));
    await batch([...leaving, identify(`page-new-${seen.length}`, { listed: true })]);
    await calculate('listed');
  } while (cursor !== null);
  expect(seen.sort()).toEqual(ids);
});

test('a send reads one membership from its first batch to its last', async () => {
  const ids = Array.from({ length: 20 }, (_, i) => `send-${String(i).padStart(2, '0')}`);
  await batch(ids.map((id) => identify(id, { subscribed: true })));
  await define('subscribers', { type: 'property', property: 'subscribed', operator: 'equals', value: true });
  const { snapshot } = await calculate('subscribers');
  const first = await call(`${service.url}/v1/snapshots/${snapshot}/members?limit=10`);
  await batch(ids.slice(5, 15).map((id) => identify(id, { subscribed: false })));
  expect(await calculate('subscribers')).toMatchObject({ members: 10 });
  const second = await call(
    `${service.url}/v1/snapshots/${snapshot}/members?limit=10&cursor=${encodeURIComponent(first.json.nextCursor)}`,
  );
  const sent = [first, second].flatMap(({ json }) => json.members.map((member: { userId: string }) => member.userId));
  expect(sent.sort()).toEqual(ids);
});
