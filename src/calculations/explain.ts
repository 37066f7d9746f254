import type pg from 'pg';
import { expectedMs } from '../compiler/cost.ts';
import { previewStatement } from '../compiler/statements.ts';
import type { Queryable } from '../database/port.ts';
import { type Expanded, loadExpanded } from './definitions.ts';
import { type Compiled, inFreshTransaction } from './fresh.ts';
import { funnel } from './funnel.ts';
import type { Explanation } from './services.ts';
import type { ExplainTask } from './tasks.ts';

/**
 * What a calculation of the condition would run and what PostgreSQL makes of it, what it should take, and for each node and leaf how
 * many users it holds for and what it costs. The leaves are evaluated one by one; `analyze` also runs the whole statement.
 */
export const explain = async (client: pg.ClientBase, task: ExplainTask): Promise<Explanation> => {
  const load = (): Promise<Expanded> => loadExpanded(client, task.workspaceId, task.condition);
  const work = async (compiled: Compiled<Expanded>): Promise<Explanation> => {
    const { subject, membership, catalogue, asOf, watch } = compiled;
    const statement = previewStatement(membership, { shards: catalogue.shards, sample: 0 });
    const options = task.analyze ? 'analyze, buffers, format json' : 'format json';
    const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(`explain (${options}) ${statement.text}`, [
      ...statement.values,
    ]);
    const { population, members, tree, leaves } = await funnel(client, subject.outline(), { catalogue, asOf });
    return {
      sql: statement.text,
      parameters: statement.values,
      plan: rows[0]?.['QUERY PLAN'],
      conditionKinds: subject.kinds,
      asOf: new Date(asOf).toISOString(),
      expectedMs: expectedMs(membership.cost, await countChunks(client, catalogue.shards)),
      population,
      members,
      funnel: tree,
      leaves,
      timingsMs: { freshen: watch.freshen, compile: watch.compile },
      cost: membership.cost,
    };
  };
  // It reads the bitmaps of each leaf by itself.
  return inFreshTransaction(client, task.workspaceId, load, work, { overlay: false });
};

const countChunks = async (client: Queryable, shards: readonly [number, number]): Promise<number> => {
  const { rows } = await client.query<{ count: number }>(
    'select count(*)::integer as count from chunks where shard between $1::bigint and $2::bigint',
    shards,
  );
  return rows[0]?.count ?? 0;
};
