import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { COMMANDS } from '../../../src/cli/main.ts';
import { readHistory } from '../../../src/cli/history/read.ts';
import { runCommandLine } from '../../../src/cli/run.ts';
import { exportHistory } from '../../../src/monitoring/history/export.ts';
import { insertFacts, type JudgedFact, observationOf } from '../../../src/monitoring/recorder.ts';
import type { Observation } from '../../../src/monitoring/types.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const BEGIN = Date.UTC(2026, 0, 5);
const MINUTE = 60_000;
const COUNT = 25;

let database: TestDatabase;
let folder: string;
let facts: JudgedFact[];

beforeAll(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-record-'));
  const { pool } = database;
  await pool.query(
    `create table monitor_facts_test partition of monitor_facts for values from ('2026-01-01') to ('2026-02-01')`,
  );
  const { rows } = await pool.query<{ id: number }>(`insert into workspaces (name) values ('a,"b"') returning id`);
  // three at each moment, so that moments go over pages
  facts = Array.from({ length: COUNT }, (_, n) => ({
    finishedAt: BEGIN + Math.floor(n / 3) * MINUTE,
    calculationId: n + 1,
    workspaceId: rows[0]!.id,
    workspace: 'a,"b"',
    segment: `segment ${n % 4}`,
    segmentVersion: 3,
    definition: n === 7 ? null : 70_000 + (n % 4),
    kinds: n % 2 === 0 ? ['event.count', 'property.is_set'] : [],
    trigger: 'newsletter',
    outcome: n === 5 ? 'timeout' : 'succeeded',
    errorCode: null,
    attempts: 1,
    late: false,
    population: n === 9 ? null : 1000 + n,
    members: 1,
    ...{ queueMs: 1, freshenMs: 1, compileMs: 1, queryMs: 1, storeMs: 1 },
    durationMs: n + 0.5,
    residual: Number.NaN,
  }));
  await insertFacts(pool, facts);
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

const type = async (...args: string[]): Promise<{ status: number; out: string; err: string }> => {
  const said = { out: '', err: '' };
  const status = await runCommandLine(COMMANDS, args, {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    interactive: false,
    environment: { DATABASE_URL: database.url, EVENKEEL_LOG_LEVEL: 'silent' },
  });
  return { status, ...said };
};

const readBack = async (file: string): Promise<Observation[]> => {
  const observations: Observation[] = [];
  await readHistory({ file, take: (observation) => observations.push(observation) });
  return observations;
};

const expected = (from = 0, until = COUNT): (Observation | undefined)[] =>
  facts
    .slice(from, until)
    .map(observationOf)
    .filter((observation) => observation !== undefined);

test.each([1, 2, 3, 7, 100])('the history comes in pages of %d, each row once, in the order of time', async (rows) => {
  const pages: (readonly Observation[])[] = [];
  const span = { since: 0, until: BEGIN + 1000 * MINUTE };
  for await (const page of exportHistory(database.pool, span, rows)) pages.push(page);
  expect(pages.flat()).toEqual(expected());
  expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(rows);
});

test.each(['history.csv', 'history.csv.gz'])('it is written to %s, and a backtest reads it', async (name) => {
  const file = join(folder, name);
  expect(await type('record', 'export', file)).toEqual({
    status: 0,
    out: `24 calculations are in ${file}\n`,
    err: '',
  });
  expect(await readBack(file)).toEqual(expected());
  const { out } = await type('backtest', file, '--json');
  expect(JSON.parse(out)).toMatchObject({ summary: { calculations: 24, segments: 4, alerts: 0 } });
});

test('from the first moment on, and up to the second and not with it; to the standard output too', async () => {
  const [since, until] = [BEGIN + MINUTE, BEGIN + 4 * MINUTE].map((at) => new Date(at).toISOString()) as [
    string,
    string,
  ];
  const { status, out } = await type('record', 'export', '-', '--since', since, '--until', until);
  expect(status).toBe(0);
  const file = join(folder, 'part.csv');
  writeFileSync(file, out);
  expect(await readBack(file)).toEqual(expected(3, 12));
});

test.each([
  [['record'], 'evenkeel record export FILE', 2],
  [['record', 'import', 'a.csv'], 'evenkeel record export FILE', 2],
  [
    ['record', 'export', 'a.csv', '--since', '2026-02-01', '--until', '2026-01-01'],
    '--since must be before --until',
    2,
  ],
  [['record', 'export', 'a.csv', '--since', '2999-02-01'], '--since must have passed', 2],
  [['record', 'export', 'a.csv', '--since', 'yesterday'], '--since must be a time such as 2026-01-31', 2],
  [['record', 'export', '/nowhere/a.csv'], '/nowhere/a.csv cannot be written', 1],
])('%j is refused', async (args, said, status) => {
  const { err, ...rest } = await type(...args);
  expect(rest).toEqual({ status, out: '' });
  expect(err).toContain(said);
});
