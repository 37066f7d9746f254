import type pg from 'pg';
import { sweepDictionary } from '../index/erase.ts';
import { foldWorkspace } from '../index/fold.ts';
import { rebuild } from '../index/rebuild.ts';
import { settleDepartures } from './departures.ts';
import { runImport } from './imports/run.ts';
import { fillKept, keepLeaves } from './keeping.ts';
import type { BackgroundResults, BackgroundTask } from './tasks.ts';

/** Runs `work` with a connection that goes back only where nothing went wrong: it may hold a lock. */
const withClient = async <T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
  const client = await pool.connect();
  let failed = true;
  try {
    // folding's statements are short and many
    await client.query(`select set_config('jit', 'off', false)`);
    const result = await work(client);
    failed = false;
    return result;
  } finally {
    client.release(failed);
  }
};

/** A task of the background, in whatever thread. Throws what PostgreSQL and the file system give. */
export const runBackgroundTask = (
  pool: pg.Pool,
  task: BackgroundTask,
): Promise<BackgroundResults[BackgroundTask['kind']]> => {
  switch (task.kind) {
    case 'import':
      return runImport(pool, task);
    case 'fold':
      return withClient(pool, async (client) => {
        const shards = await foldWorkspace(client, task.workspaceId);
        if (shards > 0) await fillKept(client, task.workspaceId);
        return { shards };
      });
    case 'keep':
      return withClient(pool, async (client) => ({ made: await keepLeaves(client, task.workspaceId) }));
    case 'rebuild':
      return withClient(pool, async (client) => {
        await rebuild(client, task.workspaceId);
        await fillKept(client, task.workspaceId);
        return {};
      });
    case 'sweep':
      return withClient(pool, (client) => sweep(client, task.workspaceId));
    case 'settle':
      return withClient(pool, async (client) => ({ left: await settleDepartures(client, task.workspaceId) }));
  }
};

/** The request stays where another user was erased meanwhile. */
const sweep = async (client: pg.PoolClient, workspaceId: number): Promise<{ removed: number }> => {
  const { rows } = await client.query<{ asked: string }>(
    'select sweep_requested_at::text as asked from workspaces where id = $1::integer and sweep_requested_at is not null',
    [workspaceId],
  );
  if (rows[0] === undefined) return { removed: 0 };
  // bits that a merged user has left behind still hold its values
  await foldWorkspace(client, workspaceId);
  const removed = await sweepDictionary(client, workspaceId);
  await client.query(
    `update workspaces set sweep_requested_at = null
     where id = $1::integer and sweep_requested_at = $2::text::timestamptz`,
    [workspaceId, rows[0].asked],
  );
  return { removed };
};
