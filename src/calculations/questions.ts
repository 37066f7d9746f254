import type pg from 'pg';
import { previewStatement } from '../compiler/statements.ts';
import { asQuery, inFreshTransaction } from './fresh.ts';
import { type Expanded, loadExpanded } from './definitions.ts';
import type { Preview } from './services.ts';
import type { PreviewTask } from './tasks.ts';

/** How many hold, and a few of them. Nothing is stored but what was pending. */
export const preview = async (client: pg.ClientBase, task: PreviewTask): Promise<Preview> => {
  const began = performance.now();
  const load = (): Promise<Expanded> => loadExpanded(client, task.workspaceId, task.condition);
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
