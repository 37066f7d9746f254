import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { Memory } from '../../src/calculations/memory.ts';
import { runCalculation } from '../../src/calculations/run-calculation.ts';
import { SegmentLists } from '../../src/calculations/segment-lists.ts';
import { Session } from '../../src/calculations/session.ts';
import { Signals } from '../../src/calculations/signals.ts';
import type { Succeeded } from '../../src/calculations/tasks.ts';
import { EvenkeelError } from '../../src/core/errors.ts';
import { parseJson } from '../../src/core/json.ts';
import { silentLog } from '../../src/core/log.ts';
import type { Queryable } from '../../src/database/port.ts';
import { Intake } from '../../src/ingest/intake.ts';
import { parseMessages } from '../../src/ingest/messages.ts';
import { eraseUser, mergeUser, replaceUser } from '../../src/ingest/users.ts';
import { claim } from './claim.ts';
import { createTestDatabase } from './database.ts';
import type { Write } from './messages.ts';
import { type ConditionJson, installOracle } from './oracle.ts';
import { defineSegment } from './workspace.ts';

const STATEMENT_TIMEOUT_MS = 60_000;

/** A database of its own with what writes and what calculates, without HTTP and threads in between. */
export interface World {
  readonly url: string;
  readonly pool: pg.Pool;
  /** A connection set up as a worker thread's, every statement prepared with a generic plan. */
  readonly client: pg.Client;
  readonly intake: Intake;
  readonly lists: SegmentLists;
  write(workspaceId: number, writes: readonly Write[]): Promise<void>;
  /** One calculation of the segment `testing`, which is given this condition first. */
  calculate(workspaceId: number, condition: ConditionJson): Promise<Succeeded>;
  close(): Promise<void>;
}

export const openWorld = async (): Promise<World> => {
  const database = await createTestDatabase();
  await installOracle(database.pool);
  const session = new Session({ url: database.url, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
  const client = await session.begin();
  const intake = new Intake({ pool: database.pool, log: silentLog, onApplied: () => undefined });
  const memory = new Memory();
  const signals = new Signals({ url: database.url, pool: database.pool, origin: randomUUID(), log: silentLog });
  const lists = new SegmentLists({ pool: database.pool, signals });
  return {
    url: database.url,
    pool: database.pool,
    client,
    intake,
    lists,
    write: async (workspaceId, writes) => {
      for (const write of writes) await apply({ pool: database.pool, intake, lists }, workspaceId, write);
    },
    calculate: (workspaceId, condition) => calculate(client, database.pool, workspaceId, condition, 'testing', memory),
    close: async () => {
      await intake.close();
      await session.reset();
      await database.drop();
    },
  };
};

/** What arrives of it: −0 comes as 0, and objects have the prototypes that the reader gives them. */
const asSent = (body: unknown): unknown => parseJson(JSON.stringify(body));

const apply = async (
  { pool, intake, lists }: Pick<World, 'pool' | 'intake' | 'lists'>,
  workspaceId: number,
  write: Write,
): Promise<void> => {
  switch (write.kind) {
    case 'messages':
      if (write.messages.length === 0) return;
      return intake.accept(workspaceId, parseMessages(asSent({ batch: write.messages }), 'batch', Date.now()));
    case 'replace':
      await replaceUser(pool, workspaceId, write.userId, asSent(write.properties));
      return;
    case 'merge':
      await mergeUser(pool, workspaceId, write.userId, asSent(write.properties));
      return;
    case 'erase':
      await eraseUser(pool, workspaceId, write.userId).catch((error: unknown) => {
        // erased or aliased away before
        if (!(error instanceof EvenkeelError && error.status === 404)) throw error;
      });
      return;
    case 'list':
      await lists.upload(workspaceId, write.segment, write.role, write.mode, () => [write.ids]);
  }
};

/** What the dispatcher and a thread do for a request, in this thread; throws where it did not succeed. */
export const calculate = async (
  client: pg.Client,
  db: Queryable,
  workspaceId: number,
  condition: ConditionJson,
  key = 'testing',
  memory = new Memory(),
): Promise<Succeeded> => {
  await defineSegment(db, workspaceId, key, condition);
  const { id, segmentId, processId, attempt } = await claim(db, workspaceId, key);
  const task = { kind: 'calculate', id, workspaceId, segmentId, segmentKey: key, trigger: 'api' } as const;
  const done = await runCalculation(client, { ...task, processId, attempt }, memory).catch(async (error: Error) => {
    // its row would refuse the next one
    await db.query(`update calculations set state = 'failed' where id = $1`, [id]);
    throw error.cause;
  });
  if (done.outcome !== 'succeeded') throw new Error(`the calculation ended as ${done.outcome}`);
  return done;
};
