import type pg from 'pg';
import { Calculations } from '../src/calculations/calculations.ts';
import { evidenceStatements } from '../src/calculations/evidence.ts';
import type { CalculationRecord } from '../src/calculations/records.ts';
import { Segments } from '../src/calculations/segments.ts';
import { diagnosisSources } from '../src/cli/diagnosing.ts';
import { silentLog } from '../src/core/log.ts';
import { openPool } from '../src/database/connect.ts';
import { migrate } from '../src/database/migrate.ts';
import { transaction } from '../src/database/transaction.ts';
import { fold, withFoldLock } from '../src/index/fold.ts';
import { CHUNK_BITS } from '../src/index/layout.ts';
import { Intake } from '../src/ingest/intake.ts';
import { parseMessages } from '../src/ingest/messages.ts';
import type { DiagnoserOptions } from '../src/monitoring/diagnosis/diagnoser.ts';
import type { Observation } from '../src/monitoring/types.ts';
import { Workspaces } from '../src/http/workspaces.ts';
import { SEGMENTS, traitsOf, WORKSPACES } from './scenery.ts';

/** The rooms of the service as it composes them, over a database of a game day's own, with users and segments in three workspaces. */

const THREADS = 2;
const CONNECTIONS = 12;
const WAIT_MS = 60_000;
const BATCH = 1_000;
const STRIDE = 7;
const DAY_MS = 86_400_000;

export interface Stage {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly calculations: Calculations;
  readonly diagnosis: Omit<DiagnoserOptions, 'log'>;
  /** By name. */
  readonly workspaces: ReadonlyMap<string, number>;
  /** Calculates each segment once, one after the other. */
  round(): Promise<Observation[]>;
  /** Sends messages as the ingestion API does, one batch after the other. */
  send(workspace: string, messages: readonly object[], batch?: number): Promise<void>;
  /** What the background does a moment after a write. */
  foldAll(workspace: string): Promise<void>;
  stop(): Promise<void>;
}

const observationOf = (record: CalculationRecord, workspace: string): Observation => ({
  finishedAt: record.finishedAt,
  workspace,
  segment: record.segmentKey,
  version: record.segmentVersion ?? 1,
  trigger: record.trigger,
  kinds: record.kinds,
  population: record.population ?? 0,
  // As the recorder has it: from claim to commit.
  durationMs: record.timingsMs.total - record.timingsMs.queue,
  outcome: record.outcome === 'succeeded' ? 'succeeded' : 'failed',
});

/** @param signal ends what a game day waits for */
export const openStage = async (url: string, signal: AbortSignal): Promise<Stage> => {
  await migrate(url);
  const pool = openPool(url, { max: CONNECTIONS, applicationName: 'evenkeel' });
  const intake = new Intake({ pool, log: silentLog, onApplied: () => undefined });
  const records: CalculationRecord[] = [];
  const calculations = new Calculations({
    url,
    pool,
    log: silentLog,
    threads: THREADS,
    onCalculation: (record) => records.push(record),
  });
  const names = new Workspaces(pool);
  const workspaces = new Map<string, number>();
  for (const { name } of WORKSPACES) workspaces.set(name, (await names.ensure(name)).id);
  const idOf = (name: string): number => workspaces.get(name) ?? Number.NaN;

  const send: Stage['send'] = async (workspace, messages, batch = BATCH) => {
    for (let i = 0; i < messages.length; i += batch) {
      signal.throwIfAborted();
      const body: unknown = JSON.parse(JSON.stringify({ batch: messages.slice(i, i + batch) }));
      await intake.accept(idOf(workspace), parseMessages(body, 'batch', Date.now()));
    }
  };
  const foldAll: Stage['foldAll'] = async (workspace) => {
    const workspaceId = idOf(workspace);
    const client = await pool.connect();
    try {
      await withFoldLock(client, workspaceId, () =>
        transaction(client, () => fold(client, { workspaceId, propertyIds: 'all', eventIds: 'all' }), {
          isolation: 'repeatable read',
        }),
      );
    } finally {
      client.release();
    }
  };
  let rounds = 0;
  const round: Stage['round'] = async () => {
    records.length = 0;
    // Begins with another one each time, so that what comes and goes does not always meet the same.
    const first = (rounds++ * STRIDE) % SEGMENTS.length;
    for (const { workspace, segment } of [...SEGMENTS.slice(first), ...SEGMENTS.slice(0, first)]) {
      signal.throwIfAborted();
      await calculations.request(idOf(workspace), segment, { trigger: 'api', wait: WAIT_MS });
    }
    const nameOf = new Map([...workspaces].map(([name, id]) => [id, name]));
    return records.map((record) => observationOf(record, nameOf.get(record.workspaceId) ?? '?'));
  };
  const stop = async (): Promise<void> => {
    await calculations.stop();
    await intake.close();
    await pool.end();
  };

  try {
    await calculations.start();
    const segments = new Segments({ pool, signals: calculations.signals });
    for (const { name, chunks, usersAChunk } of WORKSPACES) {
      for (let chunk = 0; chunk < chunks; chunk++) {
        // A bitmap takes what it takes, however many users are in it: so a few users make many bitmaps.
        await pool.query('update workspaces set next_ordinal = greatest(next_ordinal, $2) where id = $1', [
          idOf(name),
          chunk * CHUNK_BITS,
        ]);
        const users = Array.from({ length: usersAChunk }, (_, i) => chunk * usersAChunk + i);
        await send(
          name,
          users.map((n) => ({ type: 'identify', userId: `u${n}`, traits: traitsOf(n) })),
        );
        await send(
          name,
          users
            .filter((n) => n % 2 === 0)
            .map((n) => ({
              type: 'track',
              userId: `u${n}`,
              event: 'purchase',
              timestamp: new Date(Date.now() - (n % 60) * DAY_MS).toISOString(),
            })),
        );
      }
      await foldAll(name);
      for (const { segment, condition } of SEGMENTS.filter(({ workspace }) => workspace === name))
        await segments.create(idOf(name), { key: segment, name: segment, condition });
    }
    await pool.query('vacuum analyze');
  } catch (error) {
    await stop();
    throw error;
  }
  const doors = { pool, max: CONNECTIONS };
  const diagnosis = { ...diagnosisSources(url, doors, calculations), statementsOf: evidenceStatements };
  return { url, pool, calculations, diagnosis, workspaces, round, send, foldAll, stop };
};
