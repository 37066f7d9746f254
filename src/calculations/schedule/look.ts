import { createHash } from 'node:crypto';
import type pg from 'pg';
import { references } from '../../conditions/references.ts';
import type { ExpandedCondition } from '../../conditions/types.ts';
import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import { transaction } from '../../database/transaction.ts';
import { pathsOf } from '../../index/catalogue.ts';
import { shardRange } from '../../index/layout.ts';
import { type Definitions, expandSegment, loadDefinitions } from '../definitions.ts';
import { type Plan, planOf, type Refresh } from './refresh.ts';
import { nextDue } from './times.ts';

const TAKE = sql('schedule-take');
const UNCHANGED = sql('schedule-unchanged');
const REQUEST = sql('calculations-request');
const ASK = sql('schedule-ask');
const SKIP = sql('schedule-skip');

/**
 * What came of a look at a segment that was due. `asked`: for a calculation; `skipped`: nothing that it reads has changed; `busy`: the
 * one that was asked for before still waits or runs; `taken`: another process has looked.
 */
export type Look = 'asked' | 'skipped' | 'busy' | 'taken';

interface Due {
  readonly id: number;
  readonly workspace_id: number;
  readonly key: string;
  readonly refresh: Refresh;
  readonly asked_id: number | null;
  readonly asked_definitions: string | null;
  readonly now_ms: number;
  readonly busy: boolean;
}

/**
 * Looks at a segment that is due, in one transaction: whoever else looks at it meanwhile finds it taken, and what is asked for is asked
 * for with the next time noted, or not at all. One snapshot for all of it, so that definitions and data belong together.
 *
 * @throws what its definition or the database has against it; 40001 where somebody changed it meanwhile
 */
export const lookAt = (pool: pg.Pool, segmentId: number): Promise<Look> =>
  transaction(
    pool,
    async (client) => {
      const { rows } = await client.query<Due>(TAKE, [segmentId]);
      const due = rows[0];
      if (due === undefined) return 'taken';
      const definitions = await loadDefinitions(client, due.workspace_id, [due.key]);
      const definition = definitions.get(due.key);
      if (definition === undefined) return 'taken';
      const { condition } = expandSegment(definition, definitions);
      const plan = planOf(due.refresh, condition);
      const next = [new Date(nextDue(due.now_ms, plan.intervalMs, due.id)), plan.intervalMs];
      const versions = versionsOf(definitions);
      const unchanged = !due.busy && (await isUnchanged(client, due, plan, condition, versions));
      if (due.busy || unchanged) {
        await client.query(SKIP, [due.id, unchanged, ...next]);
        return unchanged ? 'skipped' : 'busy';
      }
      const asked = await client.query<{ id: number }>(REQUEST, [due.workspace_id, due.key, 'schedule', null, 'wait']);
      await client.query(ASK, [due.id, asked.rows[0]?.id, versions, ...next]);
      return 'asked';
    },
    { isolation: 'repeatable read' },
  );

/** What a segment is made of: it and all that it reaches. Versions only grow, so the same means that nothing was edited in between. */
const versionsOf = (definitions: Definitions): string =>
  createHash('sha256')
    .update(
      JSON.stringify(
        [...definitions.values()].map(({ id, version }) => [id, version]).sort(([a = 0], [b = 0]) => a - b),
      ),
    )
    .digest('hex');

const isUnchanged = async (
  client: Queryable,
  due: Due,
  plan: Plan,
  condition: ExpandedCondition,
  versions: string,
): Promise<boolean> => {
  if (!plan.dataOnly || due.asked_id === null || due.asked_definitions !== versions) return false;
  const named = references(condition);
  const { rows } = await client.query<{ unchanged: boolean }>(UNCHANGED, [
    due.workspace_id,
    due.id,
    due.asked_id,
    pathsOf(named),
    [...named.events],
    ...shardRange(due.workspace_id),
  ]);
  return rows[0]?.unchanged ?? false;
};
