import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { evidenceStatements } from '../../../../src/calculations/evidence.ts';
import { asCalculating } from '../../../../src/calculations/session.ts';
import { silentLog } from '../../../../src/core/log.ts';
import { openClient } from '../../../../src/database/connect.ts';
import { transaction } from '../../../../src/database/transaction.ts';
import { recordAlertEvents } from '../../../../src/monitoring/alerts/record.ts';
import { capture, type CaptureSources } from '../../../../src/monitoring/diagnosis/capture.ts';
import { Diagnoser } from '../../../../src/monitoring/diagnosis/diagnoser.ts';
import type { Diagnosis } from '../../../../src/monitoring/diagnosis/diagnosis.ts';
import type { ServiceLoad } from '../../../../src/monitoring/diagnosis/evidence.ts';
import { summarise } from '../../../../src/monitoring/diagnosis/sampler.ts';
import type { Alert } from '../../../../src/monitoring/types.ts';
import { anAlert, escalated, opened } from '../../../support/alerts.ts';
import { calculate, openWorld, type World } from '../../../support/world.ts';
import { continueOrdinalsAt, createWorkspace } from '../../../support/workspace.ts';

/** What a diagnosis finds when PostgreSQL has really been given the fault. Figures are compared, times never. */

const CHUNKS = 3;
const USERS_A_CHUNK = 1_200;
const IS_SET = { type: 'property', property: 'phone', operator: 'is_set' };
const SEGMENTS = {
  is_set: IS_SET,
  number: { type: 'property', property: 'ltv', operator: 'greater_than', value: 1_000 },
  // Of numbers the bitmaps cannot tell it, so that the rows of all users are read.
  rows: { type: 'property', property: 'born', operator: 'anniversary', value: { days: 0 } },
  event: { type: 'event', event: 'purchase', count: { atLeast: 1 }, within: { last: { days: 30 } } },
};

const IDLE: ServiceLoad = { threads: 2, busy: 0, waiting: 0, pool: { total: 1, idle: 1, waiting: 0, max: 16 } };

let world: World;
let workspaceId: number;

const connect = async (): Promise<pg.Client> => {
  const client = await openClient(world.url, { applicationName: 'evenkeel diagnosis' });
  await asCalculating(client, 5_000);
  return client;
};
const sources = (): CaptureSources => ({
  connect,
  statementsOf: evidenceStatements,
  service: () => IDLE,
  activity: () => summarise([]),
});

const calculateAll = async (): Promise<void> => {
  for (const [key, condition] of Object.entries(SEGMENTS))
    await calculate(world.client, world.pool, workspaceId, condition, key);
};

beforeAll(async () => {
  world = await openWorld();
  workspaceId = await createWorkspace(world.pool, 'acme');
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    await continueOrdinalsAt(world.pool, workspaceId, chunk * 32_000);
    const users = Array.from({ length: USERS_A_CHUNK }, (_, i) => chunk * USERS_A_CHUNK + i);
    const traits = (n: number): object => ({
      ltv: (n * 7_919) % 5_000,
      born: Date.UTC(1980, 0, 1 + n),
      ...(n % 2 === 0 ? { phone: `+49${n}` } : {}),
    });
    const days = (n: number): string => new Date(Date.now() - (n % 40) * 86_400_000).toISOString();
    await world.write(workspaceId, [
      { kind: 'messages', messages: users.map((n) => ({ type: 'identify', userId: `u${n}`, traits: traits(n) })) },
      {
        kind: 'messages',
        messages: users.map((n) => ({ type: 'track', userId: `u${n}`, event: 'purchase', timestamp: days(n) })),
      },
    ]);
  }
  await calculateAll();
  await world.pool.query('vacuum analyze');
});
afterAll(() => world.close());

const looked = (role: 'affected' | 'sample', ...segments: (keyof typeof SEGMENTS)[]) =>
  capture(sources(), {
    reason: role === 'sample' ? 'baseline' : 'opened',
    segments: segments.map((segment) => ({ workspace: 'acme', segment, role })),
  });

test('a capture finds all its parts, and the real statements of a segment', async () => {
  const evidence = await looked('sample', 'is_set', 'rows', 'event');
  expect(evidence.errors).toEqual([]);
  expect(Object.keys(evidence.indexes ?? {})).toContain('slices_pkey');
  // PostgreSQL counts what a connection did seconds later, and so perhaps once more after a vacuum has counted it.
  expect(evidence.tables?.['users']?.liveRows).toBeGreaterThanOrEqual(CHUNKS * USERS_A_CHUNK);
  expect(evidence.tables?.['events']?.liveRows).toBeGreaterThanOrEqual(CHUNKS * USERS_A_CHUNK);
  expect(Object.keys(evidence.tables ?? {}).filter((name) => name.startsWith('events_'))).toEqual([]);
  expect(evidence.settings?.['shared_buffers']).toBeDefined();
  expect(evidence.workspaces?.['acme']?.calculations).toBe(Object.keys(SEGMENTS).length);
  const [isSet, rows, event] = evidence.segments;
  expect(isSet).toMatchObject({ kinds: ['property.is_set'], phasesMs: { calculations: 1 } });
  expect(isSet?.plans.map(({ statement }) => statement)).toEqual(['pending', 'membership']);
  // as the workers plan it: one look-up by the primary key for each chunk
  expect(isSet?.plans[1]?.scans.find(({ relation }) => relation === 'slices')).toMatchObject({
    index: 'slices_pkey',
    searches: CHUNKS,
    rows: CHUNKS,
  });
  // and what a pass over the rows runs inside its function
  expect(rows?.plans.map(({ statement }) => statement)).toContain('rows');
  expect(rows?.plans.find(({ statement }) => statement === 'rows')?.scans[0]?.relation).toBe('users');
  expect(event?.plans.flatMap(({ scans }) => scans.map(({ relation }) => relation))).toContain('event_slices');
});

test('a capture has changed nothing, and goes on where a part fails', async () => {
  const locker = await openClient(world.url, { applicationName: 'migration' });
  try {
    await locker.query('begin');
    await locker.query('lock table slices in access exclusive mode');
    const evidence = await looked('affected', 'is_set', 'event');
    expect(evidence.errors.map(({ part }) => part)).toContain('membership of acme/is_set');
    expect(evidence.settings).toBeDefined();
    expect(evidence.segments[1]?.plans.map(({ statement }) => statement)).toEqual(['pending', 'membership']);
  } finally {
    await locker.end();
  }
  const gone = await capture(
    { ...sources(), connect: () => Promise.reject(new Error('sorry, too many clients already')) },
    { reason: 'opened', segments: [] },
  );
  expect(gone.errors).toEqual([{ part: 'connection', message: 'sorry, too many clients already' }]);
});

test('a budget that is used up leaves the rest out', async () => {
  const evidence = await capture(sources(), {
    reason: 'opened',
    budgetMs: 0,
    segments: [{ workspace: 'acme', segment: 'is_set', role: 'affected' }],
  });
  expect(evidence.segments).toEqual([]);
  expect(evidence.errors.every(({ message }) => message === 'there was no time left for it')).toBe(true);
});

describe('the diagnoser', () => {
  let diagnoser: Diagnoser;
  let alerts = 0;

  beforeEach(async () => {
    await world.pool.query('truncate diagnosis_evidence, alerts cascade');
    diagnoser = new Diagnoser({
      open: () => openClient(world.url, { applicationName: 'evenkeel diagnosis' }),
      connect,
      statementsOf: evidenceStatements,
      service: () => IDLE,
      log: silentLog,
      lookEveryMs: 50,
      sampleEveryMs: 50,
      firstBaselineAfterMs: 0,
    });
    diagnoser.start();
    await until(async () => (await stored('baseline')) === 1);
  });
  afterEach(() => diagnoser.stop());

  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    while (!(await condition())) await sleep(50);
  };
  const stored = async (reason: string): Promise<number> => {
    const { rows } = await world.pool.query<{ count: number }>(
      'select count(*)::integer as count from diagnosis_evidence where reason = $1',
      [reason],
    );
    return rows[0]?.count ?? 0;
  };
  const open = async (change: Partial<Alert>): Promise<Alert> => {
    alerts += 1;
    const openedAt = Date.now() + 60_000;
    const topSegments = [{ workspace: 'acme', segment: 'is_set', ratio: 4, calculations: 9 }];
    const alert = anAlert({ id: `alr_${alerts}`, openedAt, onset: openedAt, topSegments, explains: [], ...change });
    await transaction(world.pool, (client) => recordAlertEvents(client, [opened(alert)]));
    return alert;
  };
  const diagnosisOf = async ({ id }: Alert, severity?: string): Promise<Diagnosis & { severity: string }> => {
    let found: (Diagnosis & { severity: string }) | null = null;
    await until(async () => {
      const { rows } = await world.pool.query<{ diagnosis: (Diagnosis & { severity: string }) | null }>(
        'select diagnosis from alerts where id = $1',
        [id],
      );
      found = rows[0]?.diagnosis ?? null;
      return found !== null && (severity === undefined || found.severity === severity);
    });
    return found as unknown as Diagnosis & { severity: string };
  };

  test('vacuum is held back, by whom; the same after a restart; and once more where it gets worse', async () => {
    const holder = await openClient(world.url, { applicationName: 'reporting' });
    let alert: Alert;
    try {
      for (const table of ['slices', 'pending_properties'])
        await world.pool.query(`alter table ${table} set (autovacuum_enabled = false)`);
      await holder.query('begin isolation level repeatable read');
      await holder.query('select from users limit 1');
      for (let round = 0; round < 40; round++)
        await world.pool.query(
          `update slices set bits = bits from columns k join properties p on p.id = k.property_id
           where k.id = slices.column_id and k.type = 'set' and p.path = 'phone'`,
        );
      await world.pool.query(
        `with p as (select id from properties where path = 'phone'), c as (select shard from chunks)
         insert into pending_properties (shard, property_id, ordinal)
         select c.shard, p.id, n from p, c, generate_series(1, 3000) n`,
      );
      await world.pool.query('delete from pending_properties');
      // Whoever has been there for a moment only is not accused.
      await holder.query('select pg_sleep(10)');
      await diagnoser.stop();
      alert = await open({});
      diagnoser.start();
      const found = await diagnosisOf(alert);
      expect(found).toMatchObject({ cause: 'vacuum_held_back', confidence: 'high', severity: 'drift' });
      expect(found.sentence).toMatch(
        /fetch 9,000 heap rows where they fetched none: vacuum is held back by .*application reporting/,
      );
      expect(found.remedy.sql).toContain(`application_name = 'reporting'`);
    } finally {
      await holder.end();
    }
    await transaction(world.pool, (client) => recordAlertEvents(client, [escalated(alert, 'critical')]));
    const worse = await diagnosisOf(alert, 'critical');
    expect(worse).toMatchObject({ cause: 'bloat' });
    expect(worse.sentence).toContain('autovacuum_enabled=false');
    expect(await stored('opened')).toBe(1);
    expect(await stored('escalated')).toBe(1);
    await world.pool.query('vacuum slices, pending_properties');
    for (const table of ['slices', 'pending_properties'])
      await world.pool.query(`alter table ${table} reset (autovacuum_enabled)`);
  });

  test('an index is missing, and the statement that makes it again', async () => {
    await world.pool.query('alter table event_slices drop constraint event_slices_pkey');
    const topSegments = [{ workspace: 'acme', segment: 'event', ratio: 4, calculations: 9 }];
    const found = await diagnosisOf(await open({ scope: { kind: 'event.count' }, topSegments }));
    expect(found).toMatchObject({ cause: 'index_missing', confidence: 'high' });
    expect(found.sentence).toContain('event_slices_pkey');
    await world.pool.query(found.remedy.sql ?? '');
    await world.pool.query('alter table event_slices add primary key using index event_slices_pkey');
  });

  test('statistics are stale', async () => {
    await world.pool.query('alter table users set (autovacuum_enabled = false)');
    await world.pool.query(
      `insert into users (shard, ordinal, external_id, properties)
       select (7000::bigint << 20) | (n / 32000), n, n, jsonb_build_object('note', repeat('x', 100))
       from generate_series(0, 29999) n;
       -- else they may be counted ten seconds later
       select pg_stat_force_next_flush()`,
    );
    const topSegments = [{ workspace: 'acme', segment: 'rows', ratio: 4, calculations: 9 }];
    const found = await diagnosisOf(await open({ scope: { kind: 'property.date' }, topSegments }));
    expect(found).toMatchObject({ cause: 'plan_changed', confidence: 'high', remedy: { sql: 'analyze users;' } });
    expect(found.sentence).toContain('the statistics of users are from');
    await world.pool.query('delete from users where shard >= 7000::bigint << 20');
    await world.pool.query('alter table users reset (autovacuum_enabled)');
    await world.pool.query('vacuum (full, analyze) users');
  });

  test('a lock that somebody holds', async () => {
    const locker = await openClient(world.url, { applicationName: 'migration' });
    const waiter = await openClient(world.url);
    try {
      await locker.query('begin');
      await locker.query('lock table slices in access exclusive mode');
      const waiting = waiter.query('select count(*) from slices');
      const found = await diagnosisOf(await open({ scope: {} }));
      expect(found).toMatchObject({ cause: 'lock_waits', confidence: 'high' });
      expect(found.sentence).toMatch(/a lock on slices .*application migration, idle in transaction/);
      await locker.query('rollback');
      await waiting;
    } finally {
      await locker.end();
      await waiter.end();
    }
  });

  test('nothing: then it says what it looked at', async () => {
    const found = await diagnosisOf(await open({}));
    expect(found).toMatchObject({ cause: 'unknown', confidence: 'low', errors: [] });
    expect(found.sentence).toMatch(/no cause was found; looked at: \d+ plans of \d segments, indexes/);
    expect(found.comparedWith).not.toBeNull();
  });

  test('no baseline is captured while an alert is open, and one process diagnoses', async () => {
    const alert = await open({});
    await world.pool.query('delete from diagnosis_evidence');
    await diagnosisOf(alert);
    let connections = 0;
    const other = new Diagnoser({
      open: () => {
        connections += 1;
        return openClient(world.url);
      },
      connect,
      statementsOf: evidenceStatements,
      service: () => IDLE,
      log: silentLog,
    });
    for (let looks = 0; looks < 3; looks += 1) await other.look();
    expect([diagnoser.leads, other.leads, connections]).toEqual([true, false, 1]);
    await other.stop();
    expect(await stored('baseline')).toBe(0);
  });
});
