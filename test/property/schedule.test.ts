import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Memory } from '../../src/calculations/memory.ts';
import { runCalculation } from '../../src/calculations/run-calculation.ts';
import { type Look, lookAt } from '../../src/calculations/schedule/look.ts';
import { foldWorkspace } from '../../src/index/fold.ts';
import { rebuild } from '../../src/index/rebuild.ts';
import { condition, poolOf } from '../support/arbitraries.ts';
import { departures, firstWrites, laterWrites, type Write } from '../support/messages.ts';
import { type ConditionJson, oracleMembers } from '../support/oracle.ts';
import { openWorld, type World } from '../support/world.ts';
import { createWorkspace, defineSegment, snapshotMembers } from '../support/workspace.ts';
import { seed } from './seed.ts';

/**
 * A scheduled recalculation that is skipped would have changed nothing: after random writes, with and without folds, whatever is skipped
 * has the members that the oracle finds over the rows.
 */

const USERS = 60;
const SEGMENTS = 16;
const ROUNDS = 24 * Number(process.env['EVENKEEL_CASES'] ?? 1);
const TIMEOUT_MS = 300_000;

let world: World;
let workspaceId: number;
const memory = new Memory();

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

const drawn = <T>(arbitrary: fc.Arbitrary<T>, salt: number): T =>
  fc.sample(arbitrary, { seed: seed + salt, numRuns: 1 })[0] as T;

interface Scheduled {
  readonly id: number;
  readonly key: string;
  readonly condition: ConditionJson;
}

const define = async (key: string, json: ConditionJson): Promise<Scheduled> => {
  await defineSegment(world.pool, workspaceId, key, json);
  const { rows } = await world.pool.query<{ id: number }>(
    `update segments set refresh = '"auto"' where workspace_id = $1 and key = $2 returning id`,
    [workspaceId, key],
  );
  return { id: rows[0]?.id ?? 0, key, condition: json };
};

const look = async ({ id }: Scheduled): Promise<Look> => {
  await world.pool.query('update segments set next_refresh_at = clock_timestamp() where id = $1', [id]);
  return lookAt(world.pool, id);
};

/** Runs what waits for the segment. Gives its snapshot. */
const run = async ({ id, key }: Scheduled): Promise<number> => {
  const processId = randomUUID();
  const { rows } = await world.pool.query<{ id: number }>(
    `update calculations set state = 'running', attempts = 1, process_id = $2 where segment_id = $1 and state = 'queued' returning id`,
    [id, processId],
  );
  const done = await runCalculation(
    world.client,
    {
      kind: 'calculate',
      id: rows[0]?.id ?? 0,
      workspaceId,
      segmentId: id,
      segmentKey: key,
      trigger: 'schedule',
      processId,
      attempt: 1,
    },
    memory,
  );
  if (done.outcome !== 'succeeded') throw new Error(`the calculation ended as ${done.outcome}`);
  return done.snapshotId;
};

test(
  'what is skipped has the members that the oracle finds',
  async () => {
    const nowMs = Date.now();
    workspaceId = await createWorkspace(world.pool, 'skipping');
    await world.write(workspaceId, drawn(firstWrites(USERS, nowMs, true), 1));
    const pool = poolOf([], [], ['plan set'], nowMs);
    const nested = { type: 'property', property: 'plan', operator: 'is_set' };
    await define('plan set', nested);
    const scheduled = [
      await define('nested', { type: 'not', of: { type: 'segment', segment: 'plan set' } }),
      ...(await Promise.all(
        Array.from({ length: SEGMENTS }, (_, i) => define(`s${i}`, drawn(condition(pool, 2), 100 + i))),
      )),
    ];
    const snapshots = new Map<Scheduled, number>();
    const counts = { asked: 0, skipped: 0, busy: 0, taken: 0 };
    const writes: Write[][] = Array.from({ length: ROUNDS }, (_, round) =>
      drawn(round % 4 === 3 ? departures(USERS, 2) : laterWrites(USERS, 2, nowMs), 200 + round),
    );
    for (const [round, some] of writes.entries()) {
      // every third round nothing is written, so that there is something to skip
      if (round % 3 !== 2) await world.write(workspaceId, some);
      if (round % 2 === 0) await foldWorkspace(world.client, workspaceId);
      if (round % 11 === 10) await rebuild(world.client, workspaceId);
      if (round % 7 === 6)
        await defineSegment(
          world.pool,
          workspaceId,
          'plan set',
          round % 2 === 0 ? nested : { type: 'not', of: nested },
        );
      for (const each of scheduled) {
        const seen = await look(each);
        counts[seen] += 1;
        if (seen === 'asked') snapshots.set(each, await run(each));
        else if (seen === 'skipped') {
          const { members } = await snapshotMembers(world.pool, snapshots.get(each) ?? 0);
          expect({ of: each, members }).toEqual({
            of: each,
            members: await oracleMembers(world.pool, workspaceId, each.condition, Date.now()),
          });
        }
      }
    }
    expect(counts).toMatchObject({ busy: 0, taken: 0 });
    expect(counts.asked).toBeGreaterThan(ROUNDS);
    expect(counts.skipped).toBeGreaterThan(ROUNDS);
  },
  TIMEOUT_MS,
);
