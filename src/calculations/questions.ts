import type pg from 'pg';
import { previewStatement } from '../compiler/statements.ts';
import { asQuery, type Compiled, inFreshTransaction } from './fresh.ts';
import { type Expanded, loadExpanded } from './definitions.ts';
import type { Preview } from './services.ts';
import type { PreviewTask } from './tasks.ts';

/** How many hold, and a few of them. Nothing is stored, unless too much was pending. */
export const preview = async (client: pg.ClientBase, task: PreviewTask): Promise<Preview> => {
  const began = performance.now();
  const load = (): Promise<Expanded> => loadExpanded(client, task.workspaceId, task.condition);
  const work = async ({ membership, catalogue: { shards }, overlay }: Compiled<Expanded>) => {
    const statement = previewStatement(membership, { shards, sample: task.sample, ...(overlay && { overlay }) });
    const { rows } = await client.query<{ population: number; members: number; sample: string[] }>(asQuery(statement));
    return rows[0];
  };
  const counts = await inFreshTransaction(client, task.workspaceId, load, work, { overlay: true });
  return {
    members: counts?.members ?? 0,
    population: counts?.population ?? 0,
    durationMs: Math.round((performance.now() - began) * 1000) / 1000,
    sample: counts?.sample ?? [],
  };
};
