import type pg from 'pg';
import { expectedMs } from '../compiler/cost.ts';
import { previewStatement, memberStatement } from '../compiler/statements.ts';
import { referencedSegments } from '../conditions/expand.ts';
import type { Condition } from '../conditions/types.ts';
import { notFound } from '../core/errors.ts';
import type { Queryable } from '../database/port.ts';
import { offsetOf, shardOf } from '../index/layout.ts';
import { type Expanded, expand, loadDefinitions } from './definitions.ts';
import { asQuery, inFreshTransaction, type Subject } from './fresh.ts';
import type { Explanation, Preview } from './services.ts';
import type { ExplainTask, MemberTask, PreviewTask } from './tasks.ts';

interface Expansion extends Subject {
  readonly kinds: Expanded['kinds'];
}

const loadExpansion = async (client: Queryable, workspaceId: number, condition: Condition): Promise<Expansion> =>
  expand(condition, await loadDefinitions(client, workspaceId, [...referencedSegments(condition)]));

/** How many hold, and a few of them. Nothing is stored but what was pending. */
export const preview = async (client: pg.ClientBase, task: PreviewTask): Promise<Preview> => {
  const began = performance.now();
  const load = (): Promise<Expansion> => loadExpansion(client, task.workspaceId, task.condition);
  const counts = await inFreshTransaction(client, task.workspaceId, load, async ({ membership, shards }) => {
    const statement = previewStatement(membership, { shards, sample: task.sample });
    const { rows } = await client.query<{ population: number; members: number; sample: string[] }>(asQuery(statement));
    return rows[0];
  });
  return {
    members: counts?.members ?? 0,
    population: counts?.population ?? 0,
    durationMs: Math.round((performance.now() - began) * 1000) / 1000,
    sample: counts?.sample ?? [],
  };
};

/** The statement that a calculation of the condition would run, and what PostgreSQL makes of it. */
export const explain = async (client: pg.ClientBase, task: ExplainTask): Promise<Explanation> => {
  const load = (): Promise<Expansion> => loadExpansion(client, task.workspaceId, task.condition);
  return inFreshTransaction(client, task.workspaceId, load, async ({ subject, membership, shards, asOf, watch }) => {
    const statement = previewStatement(membership, { shards, sample: 0 });
    const options = task.analyze ? 'analyze, buffers, format json' : 'format json';
    const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(`explain (${options}) ${statement.text}`, [
      ...statement.values,
    ]);
    return {
      sql: statement.text,
      parameters: statement.values,
      plan: rows[0]?.['QUERY PLAN'],
      conditionKinds: subject.kinds,
      asOf: new Date(asOf).toISOString(),
      expectedMs: expectedMs(membership.cost, await countChunks(client, shards)),
      timingsMs: { freshen: watch.freshen, compile: watch.compile },
      cost: membership.cost,
      leaves: membership.leaves,
    };
  });
};

const countChunks = async (client: Queryable, shards: readonly [number, number]): Promise<number> => {
  const { rows } = await client.query<{ count: number }>(
    'select count(*)::integer as count from chunks where shard between $1::bigint and $2::bigint',
    shards,
  );
  return rows[0]?.count ?? 0;
};

interface MemberSubject extends Subject {
  readonly ordinal: number;
}

/** Whether one user is in the segment now: folds and reads that user's chunk alone. */
export const isMember = async (client: pg.ClientBase, task: MemberTask): Promise<{ member: boolean }> => {
  const { workspaceId, segmentKey, userId } = task;
  const load = async (): Promise<MemberSubject> => {
    const condition: Condition = { type: 'segment', segment: segmentKey };
    const definitions = await loadDefinitions(client, workspaceId, [segmentKey]);
    if (!definitions.has(segmentKey)) throw notFound(`the segment "${segmentKey.slice(0, 64)}"`);
    const { rows } = await client.query<{ ordinal: number }>(
      'select ordinal from user_keys where workspace_id = $1::integer and external_id = $2::text',
      [workspaceId, userId],
    );
    const ordinal = rows[0]?.ordinal;
    if (ordinal === undefined) throw notFound(`the user "${userId.slice(0, 64)}"`);
    return { ...expand(condition, definitions), ordinal, shards: [shardOf(workspaceId, ordinal)] };
  };
  return inFreshTransaction(client, workspaceId, load, async ({ subject, membership }) => {
    const { ordinal } = subject;
    const statement = memberStatement(membership, shardOf(workspaceId, ordinal), offsetOf(ordinal));
    const { rows } = await client.query<{ member: boolean }>(asQuery(statement));
    return { member: rows[0]?.member ?? false };
  });
};
