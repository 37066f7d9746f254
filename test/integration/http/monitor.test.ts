import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { openClient } from '../../../src/database/connect.ts';
import { recordAlertEvents } from '../../../src/monitoring/alerts/record.ts';
import { MONITOR_LOCK } from '../../../src/monitoring/live/lead.ts';
import { partitionedTables } from '../../../src/monitoring/live/partitions.ts';
import { Watch } from '../../../src/monitoring/live/watch.ts';
import { endCalculations } from '../../support/ended.ts';
import { RecordingJudge } from '../../support/recording-judge.ts';
import { type Answer, call, OPERATOR_KEY, startTestService, type TestService } from './service.ts';

const HOUR_MS = 3_600_000;
const NOW = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
const at = (ms: number): string => new Date(ms).toISOString();

let service: TestService;
/** Holds the lock of the leader, so that this test judges and the service shows it. */
let client: pg.Client;
const keys: Record<string, string> = {};

const ask = (path: string, key = OPERATOR_KEY, body?: unknown): Promise<Answer> =>
  call(`${service.url}${path}`, {
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body }),
  });
const series = (query: string, key?: string): Promise<Answer> =>
  ask(`/v1/monitor/series?from=${at(NOW - 6 * HOUR_MS)}&to=${at(NOW + HOUR_MS)}${query}`, key);

beforeAll(async () => {
  service = await startTestService({ EVENKEEL_OPERATOR_KEY: OPERATOR_KEY });
  client = await openClient(service.database.url);
  await client.query('select pg_advisory_lock($1)', [MONITOR_LOCK]);
  const { pool } = service.database;
  for (const name of ['acme', 'other'])
    keys[name] = (await ask('/v1/workspaces', OPERATOR_KEY, { name })).json.key as string;
  for (const name of ['acme', 'other'])
    await ask('/v1/segments', keys[name], { key: 'a', name: 'a', condition: { type: 'all', of: [] } });
  const { rows } = await pool.query<{ id: number; name: string }>('select id, name from workspaces');
  const ids = Object.fromEntries(rows.map(({ id, name }) => [name, id]));
  const some = (durations: number[], kinds: string[], hour: number) =>
    durations.map((durationMs, i) => ({
      segment: 'a',
      finishedAt: new Date(NOW - hour * HOUR_MS + i * 60_000),
      durationMs,
      kinds,
    }));
  await endCalculations(pool, ids['acme'] ?? 0, [
    ...some([8, 8, 8, 80], ['event.count', 'property.equals'], 3),
    ...some([16, 16], ['property.equals'], 2),
    { segment: 'a', finishedAt: new Date(NOW - 2 * HOUR_MS), state: 'failed', errorCode: 'timeout', durationMs: 5 },
  ]);
  await endCalculations(pool, ids['other'] ?? 0, some([4], ['property.equals'], 3));
  const watch = await Watch.restore({
    client,
    leader: randomUUID(),
    judgeFrom: (state) => new RecordingJudge(state),
    tables: partitionedTables({ factDays: 10, minuteDays: 5, hourDays: 60 }),
    timeoutMs: 60_000,
    tell: recordAlertEvents,
    graceMs: 0,
  });
  await watch.step();
  await watch.save();
}, 60_000);
afterAll(async () => {
  await client.end();
  await service.stop();
});

describe('/v1/monitor/series', () => {
  it('shows × normal, durations and counts of everything', async () => {
    const { status, json } = await series('&step=1h');
    expect(status).toBe(200);
    expect(json).toMatchObject({ kind: null, workspace: null, segment: null, step: '1h' });
    expect(json.points).toMatchObject([
      {
        at: at(NOW - 3 * HOUR_MS),
        calculations: 5,
        failed: 0,
        timeouts: 0,
        ratio: expect.closeTo(1, 1),
        band: null,
        meanMs: expect.closeTo(21.6, 3),
        p50Ms: expect.closeTo(8, 0),
        p99Ms: expect.closeTo(80, -1),
        queueMs: 1,
      },
      { at: at(NOW - 2 * HOUR_MS), calculations: 3, timeouts: 1, p99Ms: expect.closeTo(60_000, -4) },
    ]);
  });

  it('shows a kind, a workspace, a kind within one, and a segment', async () => {
    const counts = async (query: string): Promise<number[]> =>
      (await series(query)).json.points.map((point: { calculations: number }) => point.calculations);
    expect(await counts('&step=1h&kind=event.count')).toEqual([4]);
    expect(await counts('&step=1h&workspace=other')).toEqual([1]);
    expect(await counts('&workspace=acme&kind=property.equals')).toEqual([4, 3]);
    expect(await counts('&workspace=acme&segment=a')).toEqual([4, 3]);
    expect(await counts('&step=1d')).toHaveLength(new Date(NOW - 3 * HOUR_MS).getUTCHours() >= 23 ? 2 : 1);
    // minutes, as the range is short
    const fine = (await series('')).json;
    expect([fine.step, fine.points.length]).toEqual(['5m', 2]);
  });

  it('shows a workspace key its own workspace and no other', async () => {
    expect((await series('&step=1h', keys['other'])).json).toMatchObject({
      workspace: 'other',
      points: [{ calculations: 1 }],
    });
    expect(await series('&workspace=acme', keys['other'])).toMatchObject({ status: 403 });
  });

  it('says what was meant', async () => {
    expect(await series('&kind=property.is_sett')).toMatchObject({
      status: 422,
      json: { error: { path: 'kind', hint: 'did you mean "property.is_set"?' } },
    });
    expect(await series('&workspace=acme&segment=b')).toMatchObject({ status: 404 });
    expect(await series('&workspace=nobody')).toMatchObject({ status: 404 });
    expect(await series('&segment=a&workspace=acme&step=1m')).toMatchObject({
      status: 422,
      json: { error: { path: 'step' } },
    });
    expect(await series('&segment=a&kind=sample')).toMatchObject({ status: 422 });
    expect(await ask(`/v1/monitor/series?from=${at(NOW)}&to=${at(NOW)}`)).toMatchObject({ status: 422 });
    expect(await series('&stepp=1h')).toMatchObject({ status: 422, json: { error: { hint: 'did you mean "step"?' } } });
  });
});

describe('/v1/monitor/slices', () => {
  it('shows what the leader found, whoever leads', async () => {
    let answer = await ask('/v1/monitor/slices');
    for (; answer.status === 503; answer = await ask('/v1/monitor/slices')) await sleep(100);
    expect(answer.json.slices.map(({ scope }: { scope: object }) => scope)).toEqual(
      [{}, { kind: 'property.equals' }, { workspace: 'acme' }].slice(0, answer.json.slices.length),
    );
    const own = await ask('/v1/monitor/slices', keys['other']);
    expect([own.status, own.json.slices, own.json.openAlerts]).toEqual([200, [], []]);
  }, 30_000);
});

describe('/v1/monitor/baselines', () => {
  it('shows each segment’s, and what one has had', async () => {
    const all = await ask('/v1/monitor/baselines');
    expect(all.json).toMatchObject({
      baselines: [{ workspace: 'acme', segment: 'a', expectedMs: 108, calculations: 8, lockedUntil: null }],
      changes: [{ version: 1, reason: 'first' }],
      nextCursor: null,
    });
    expect((await ask('/v1/monitor/baselines?workspace=acme&segment=a')).json.baselines).toHaveLength(1);
    expect((await ask('/v1/monitor/baselines', keys['other'])).json).toEqual({
      baselines: [],
      changes: [],
      nextCursor: null,
    });
    expect(await ask('/v1/monitor/baselines?workspace=acme&segment=b')).toMatchObject({ status: 404 });
    expect(await ask('/v1/monitor/baselines?cursor=nonsense')).toMatchObject({ status: 400 });
  });

  it('are accepted by the operator, with a reason', async () => {
    const accept = (body: unknown, key?: string): Promise<Answer> => ask('/v1/monitor/baselines/accept', key, body);
    expect(await accept({ scope: { kind: 'property.equals' }, reason: 'new disks', by: 'ann' })).toMatchObject({
      status: 202,
      json: { request: 1, scope: { kind: 'property.equals' } },
    });
    expect(await accept({ scope: { kind: 'sample' }, reason: 'new disks' })).toMatchObject({ status: 409 });
    expect(await accept({ scope: {}, reason: ' ' })).toMatchObject({
      status: 422,
      json: { error: { message: 'reason: must not be blank' } },
    });
    expect(await accept({ scope: {}, reason: 'x' }, keys['acme'])).toMatchObject({ status: 403 });
    expect(await accept({ scope: {} })).toMatchObject({ status: 422, json: { error: { path: 'reason' } } });
    expect(await accept({ scope: { segment: 'a' }, reason: 'x' })).toMatchObject({ status: 422 });
    expect(await accept({ scope: { workspace: 'acme', segment: 'b' }, reason: 'x' })).toMatchObject({ status: 404 });
    const { rows } = await service.database.pool.query('select by, reason, scope, step from monitor_accepts');
    expect(rows).toEqual([{ by: 'ann', reason: 'new disks', scope: { kind: 'property.equals' }, step: null }]);
  });
});
