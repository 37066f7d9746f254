import type pg from 'pg';
import { Memory } from '../../src/calculations/memory.ts';
import { Session } from '../../src/calculations/session.ts';
import { EvenkeelError } from '../../src/core/errors.ts';
import { silentLog } from '../../src/core/log.ts';
import { sweepDictionary } from '../../src/index/erase.ts';
import { foldWorkspace } from '../../src/index/fold.ts';
import { rebuild } from '../../src/index/rebuild.ts';
import { settleDepartures } from '../../src/ingest/departures.ts';
import { Intake } from '../../src/ingest/intake.ts';
import { parseMessages } from '../../src/ingest/messages.ts';
import { eraseUser } from '../../src/ingest/users.ts';
import { compareWithOracle } from '../support/compare.ts';
import { late } from '../support/late.ts';
import type { ConditionJson } from '../support/oracle.ts';
import { calculate, openWorld, type World } from '../support/world.ts';
import { continueOrdinalsAt, createWorkspace, snapshotMembers } from '../support/workspace.ts';

/**
 * Users are written, merged and erased in two workspaces by several doors, while calculations, folds, rebuilds and sweeps go on.
 * Nothing fails, nothing is left behind, and every snapshot counts and holds users who are there. Values are left to
 * chance and not to a seed: what they meet is decided by the clock anyway.
 */

const USERS = 40;
const RUN_MS = Number(process.env['EVENKEEL_TURMOIL_MS'] ?? 8_000);
const TIMEOUT_MS = 120_000;
const CHUNK_BITS = 32_000;
/** Up to this long lies between a calculation's snapshot and what it writes, so that it is often late. */
const MAX_LATE_MS = 300;
const MAX_PAUSE_MS = 150;
const DAYS = 400;
const DAY_MS = 86_400_000;
const STATEMENT_TIMEOUT_MS = 30_000;

const below = (n: number): number => Math.floor(Math.random() * n);
const oneOf = <T>(values: readonly T[]): T => values[below(values.length)] as T;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const CONDITIONS: readonly ConditionJson[] = [
  { type: 'all', of: [] },
  { type: 'property', property: 'a', operator: 'is_set' },
  { type: 'property', property: 'b', operator: 'at_least', value: 0.5 },
  { type: 'not', of: { type: 'property', property: 'a', operator: 'contains', value: 'v1' } },
  { type: 'property', property: 'a', operator: 'before', value: '2024-02-01' },
  { type: 'property', property: 'b', operator: 'includes', value: 't3' },
  { type: 'event', event: 'e1', count: { atLeast: 2 }, within: { last: { days: 60 } } },
  { type: 'event', event: 'e0', count: { exactly: 0 } },
  {
    type: 'any',
    of: [
      { type: 'property', property: 'c3', operator: 'equals', value: 3 },
      { type: 'sample', percent: 33.3, seed: 's' },
    ],
  },
];
const VALUES = [1, 0.5, 1e308, -3, 2 ** 53, 0.001, '', 'v12', '2024-01-31', '2024-01-31T10:00:00.123Z', true, null];

const user = (): string => `u${below(USERS)}`;
const message = (): object => {
  const value = (): unknown => oneOf([...VALUES, `v${below(50)}`, ['a', `t${below(9)}`], { z: below(5) }]);
  const kind = below(10);
  if (kind < 4)
    return { type: 'identify', userId: user(), traits: { a: value(), b: value(), [`c${below(30)}`]: below(9) } };
  if (kind === 4) return { type: 'alias', previousId: user(), userId: user() };
  const timestamp = new Date(Date.now() - below(DAYS * DAY_MS)).toISOString();
  return { type: 'track', userId: user(), event: `e${below(3)}`, timestamp };
};

let world: World;
const workspaces: number[] = [];
const sessions: Session[] = [];

const connection = async (): Promise<pg.Client> => {
  const session = new Session({ url: world.url, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
  sessions.push(session);
  return session.begin();
};

beforeAll(async () => {
  world = await openWorld();
  for (const name of ['one', 'two']) {
    const workspaceId = await createWorkspace(world.pool, name);
    await continueOrdinalsAt(world.pool, workspaceId, CHUNK_BITS - USERS / 2);
    workspaces.push(workspaceId);
  }
});
afterAll(async () => {
  for (const session of sessions) await session.reset();
  await world?.close();
});

test(
  'merging and erasing while all else goes on leaves every snapshot and every table whole',
  async () => {
    const until = Date.now() + RUN_MS;
    const busy = () => Date.now() < until;
    const done = { writes: 0, erasures: 0, calculations: 0 };
    const writer = async () => {
      const door = new Intake({ pool: world.pool, log: silentLog, onApplied: () => undefined });
      for (; busy(); done.writes += 1) {
        const batch = Array.from({ length: 1 + below(6) }, message);
        await door.accept(oneOf(workspaces), parseMessages({ batch }, 'batch', Date.now()));
        await pause(below(MAX_PAUSE_MS));
      }
      await door.close();
    };
    const eraser = async () => {
      for (; busy(); await pause(below(MAX_PAUSE_MS)))
        await eraseUser(world.pool, oneOf(workspaces), user()).then(
          () => (done.erasures += 1),
          (error: unknown) => {
            if (!(error instanceof EvenkeelError && error.status === 404)) throw error;
          },
        );
    };
    const keeper = async (workspaceId: number) => {
      const client = await connection();
      for (; busy(); await pause(below(MAX_PAUSE_MS))) {
        await foldWorkspace(client, workspaceId);
        await settleDepartures(client, workspaceId);
        if (below(5) === 0) await rebuild(client, workspaceId);
        if (below(5) === 0) await sweepDictionary(client, workspaceId);
      }
    };
    const calculator = async (key: string) => {
      const memory = new Memory();
      const client = late(await connection(), () => pause(below(MAX_LATE_MS)));
      for (; busy(); done.calculations += 1)
        await calculate(client, world.pool, oneOf(workspaces), oneOf(CONDITIONS), key, memory);
    };
    const keys = ['k1', 'k2', 'k3', 'k4'];
    await Promise.all([
      ...[writer(), writer(), writer(), eraser(), eraser()],
      ...workspaces.map(keeper),
      ...keys.map(calculator),
    ]);
    process.stdout.write(`${JSON.stringify(done)}\n`);
    for (const workspaceId of workspaces) expect(await settleDepartures(world.client, workspaceId)).toBe(0);
    const { rows } = await world.pool.query<{ id: number; members: number }>('select id, members from snapshots');
    expect(rows).toHaveLength(done.calculations);
    for (const { id, members } of rows) {
      const held = await snapshotMembers(world.pool, id);
      expect({ id, members, bits: held.bits }).toEqual({ id, members: held.members.length, bits: held.members.length });
    }
    const orphans = await world.pool.query(
      `select (select count(*)::integer from events e
               where not exists (select from users u where u.shard = e.shard and u.ordinal = e.ordinal)) as events,
              (select count(*)::integer from message_keys m
               where not exists (select from users u where u.shard = m.shard and u.ordinal = m.ordinal)) as keys,
              (select count(*)::integer from user_keys k
               where not exists (select from users u where u.shard >> 20 = k.workspace_id and u.ordinal = k.ordinal)) as names,
              (select count(*)::integer from users u
               where not exists (select from user_keys k where k.workspace_id = u.shard >> 20 and k.ordinal = u.ordinal
                                                           and k.external_id = u.external_id)) as users`,
    );
    expect(orphans.rows).toEqual([{ events: 0, keys: 0, names: 0, users: 0 }]);
  },
  TIMEOUT_MS,
);

test(
  'and afterwards the bitmaps are what the oracle says, folded and rebuilt',
  async () => {
    for (const workspaceId of workspaces) {
      for (const condition of CONDITIONS) await compareWithOracle(world, workspaceId, condition, true);
      await rebuild(world.client, workspaceId);
      for (const condition of CONDITIONS) await compareWithOracle(world, workspaceId, condition, false);
    }
  },
  TIMEOUT_MS,
);
