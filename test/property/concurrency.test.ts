import type pg from 'pg';
import { Memory } from '../../src/calculations/memory.ts';
import { Session } from '../../src/calculations/session.ts';
import { silentLog } from '../../src/core/log.ts';
import { foldWorkspace } from '../../src/index/fold.ts';
import { rebuild } from '../../src/index/rebuild.ts';
import { keepLeaves } from '../../src/ingest/keeping.ts';
import { Intake } from '../../src/ingest/intake.ts';
import { parseMessages } from '../../src/ingest/messages.ts';
import type { ConditionJson } from '../support/oracle.ts';
import { compareWithOracle } from '../support/compare.ts';
import { calculate, openWorld, type World } from '../support/world.ts';
import { continueOrdinalsAt, createWorkspace, snapshotMembers } from '../support/workspace.ts';

/**
 * Writers, folds, rebuilds and calculations at once. Each message raises two counters of one user together and tracks one
 * event, so that every calculation can be held against what was acknowledged before it was asked for and what was
 * at most sent when it had ended: it must lie between, and never see half a message.
 */

const USERS = 60;
const RUN_MS = 12_000;
const TIMEOUT_MS = 90_000;
const CHUNK_BITS = 32_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** Counters of segments whose leaves are kept. */
const KEPT_AT = [8, 16, 32, 64, 128, 256];

const id = (i: number): string => `user-${i}`;
const compare = (property: string, operator: string, value: number): ConditionJson => ({
  type: 'property',
  property,
  operator,
  value,
});

/** Holds for users whose counters lie on both sides of `k`: for nobody, ever. */
const torn = (k: number): ConditionJson => ({
  type: 'any',
  of: [
    { type: 'all', of: [compare('left', 'greater_than', k), compare('right', 'at_most', k)] },
    { type: 'all', of: [compare('left', 'at_most', k), compare('right', 'greater_than', k)] },
    {
      type: 'all',
      of: [
        compare('left', 'at_least', k),
        { type: 'not', of: { type: 'event', event: 'raised', count: { atLeast: k } } },
      ],
    },
    { type: 'all', of: [compare('left', 'less_than', k), { type: 'event', event: 'raised', count: { atLeast: k } }] },
  ],
});

describe('calculations while everything else goes on', () => {
  let world: World;
  let workspaceId: number;
  /** A second process, as far as PostgreSQL can tell. */
  let other: Intake;
  const sessions: Session[] = [];
  const sent: number[] = Array.from({ length: USERS }, () => 0);
  const acknowledged: number[] = Array.from({ length: USERS }, () => 0);

  const connection = async (): Promise<pg.Client> => {
    const session = new Session({ url: world.url, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
    sessions.push(session);
    return session.begin();
  };

  beforeAll(async () => {
    world = await openWorld();
    workspaceId = await createWorkspace(world.pool, 'busy');
    other = new Intake({ pool: world.pool, log: silentLog, onApplied: () => undefined });
  });
  afterAll(async () => {
    await other?.close();
    for (const session of sessions) await session.reset();
    await world?.close();
  });

  const raise = async (intake: Intake, user: number): Promise<void> => {
    const n = (sent[user] as number) + 1;
    sent[user] = n;
    const messages = [
      { type: 'identify', userId: id(user), traits: { left: n, right: n, note: `at ${n}` } },
      { type: 'track', userId: id(user), event: 'raised', messageId: `${user}-${n}` },
    ];
    await intake.accept(workspaceId, parseMessages({ batch: messages }, 'batch', Date.now()));
    acknowledged[user] = n;
  };

  test(
    'see whole messages, everything acknowledged and nothing that was not sent',
    async () => {
      const until = Date.now() + RUN_MS;
      const busy = () => Date.now() < until;
      // a user belongs to one writer, so that its counter is its own
      const writer = async (intake: Intake, first: number, step: number) => {
        for (let i = first; busy(); i = (i + step) % USERS) await raise(intake, i);
      };
      const folder = async () => {
        const client = await connection();
        while (busy()) await foldWorkspace(client, workspaceId);
      };
      const rebuilder = async () => {
        const client = await connection();
        while (busy()) {
          await rebuild(client, workspaceId);
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      };
      const keeper = async () => {
        const client = await connection();
        while (busy()) await keepLeaves(client, workspaceId);
      };
      const keptReader = async () => {
        const client = await connection();
        const memory = new Memory();
        for (let i = 0; busy(); i = (i + 1) % KEPT_AT.length) {
          const k = KEPT_AT[i] as number;
          const low = [...acknowledged];
          const done = await calculate(
            client,
            world.pool,
            workspaceId,
            compare('left', 'at_least', k),
            `from ${k}`,
            memory,
          );
          const high = [...sent];
          const members = new Set((await snapshotMembers(world.pool, done.snapshotId)).members);
          for (let user = 0; user < USERS; user++) {
            if (members.has(id(user))) expect(high[user]).toBeGreaterThanOrEqual(k);
            else expect(low[user]).toBeLessThan(k);
          }
          const half = await calculate(client, world.pool, workspaceId, torn(k), `torn ${k}`, memory);
          expect({ k, torn: half.members }).toEqual({ k, torn: 0 });
          const { rows } = await world.pool.query<{ count: number }>(
            'select count(*)::integer as count from kept_bits',
          );
          kept = Math.max(kept, rows[0]?.count ?? 0);
          calculations += 2;
        }
      };
      let kept = 0;
      let calculations = 0;
      const calculator = async (key: string) => {
        const client = await connection();
        const memory = new Memory();
        while (busy()) {
          const k = 1 + Math.floor(Math.random() * Math.max(1, ...acknowledged));
          const low = [...acknowledged];
          const done = await calculate(client, world.pool, workspaceId, compare('left', 'at_least', k), key, memory);
          const high = [...sent];
          const members = new Set((await snapshotMembers(world.pool, done.snapshotId)).members);
          for (let user = 0; user < USERS; user++) {
            if (members.has(id(user))) expect(high[user]).toBeGreaterThanOrEqual(k);
            else expect(low[user]).toBeLessThan(k);
          }
          const half = await calculate(client, world.pool, workspaceId, torn(k), key, memory);
          expect({ k, torn: half.members }).toEqual({ k, torn: 0 });
          calculations += 2;
        }
      };
      await continueOrdinalsAt(world.pool, workspaceId, CHUNK_BITS - USERS / 2);
      await Promise.all([
        writer(world.intake, 0, 3),
        writer(world.intake, 1, 3),
        writer(other, 2, 3),
        folder(),
        rebuilder(),
        calculator('one'),
        calculator('two'),
        keeper(),
        keptReader(),
      ]);
      process.stdout.write(
        `${calculations} calculations beside ${acknowledged.reduce((a, b) => a + b, 0)} writes, folds and rebuilds\n`,
      );
      expect(calculations).toBeGreaterThan(20);
      expect(kept).toBeGreaterThan(KEPT_AT.length);
    },
    TIMEOUT_MS,
  );

  test(
    'and afterwards what the oracle says',
    async () => {
      expect(acknowledged).toEqual(sent);
      const highest = Math.max(...sent);
      for (const k of [1, Math.floor(highest / 2), highest, highest + 1]) {
        await compareWithOracle(world, workspaceId, compare('right', 'at_least', k), true);
        await compareWithOracle(world, workspaceId, { type: 'event', event: 'raised', count: { exactly: k } }, true);
        await compareWithOracle(world, workspaceId, torn(k), true);
      }
    },
    TIMEOUT_MS,
  );
});
