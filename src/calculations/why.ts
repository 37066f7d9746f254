import type pg from 'pg';
import { Parameters } from '../compiler/parameters.ts';
import { rowLeaf } from '../compiler/row-condition.ts';
import { leavesOf } from '../conditions/leaves.ts';
import type { Outline } from '../conditions/outline.ts';
import { references } from '../conditions/references.ts';
import { type ConditionJson, serialise } from '../conditions/serialise.ts';
import type { Condition, Leaf } from '../conditions/types.ts';
import { notFound } from '../core/errors.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { shardOf } from '../index/layout.ts';
import { expand, loadDefinitions } from './definitions.ts';
import { withPatternLimit } from './patterns.ts';
import { unknownSegment } from './segment-changes.ts';
import type { MemberAnswer } from './services.ts';
import type { MemberTask } from './tasks.ts';

const FIND_USER = sql('calculations-find-user');

/** The leaf as a key: one that stands twice is evaluated once. */
const keyOf = (leaf: Leaf): string => JSON.stringify(leaf);

/**
 * Whether one user is in a segment, and why: the condition with what each of its nodes says of the user, evaluated on the user's own
 * rows in one statement. No bitmap is read, so nothing has to be folded first.
 *
 * @throws 404 for an unknown segment or user
 */
export const isMember = (client: pg.ClientBase, task: MemberTask): Promise<MemberAnswer> =>
  transaction(
    client,
    async () => {
      const { workspaceId, segmentKey, userId } = task;
      const condition: Condition = { type: 'segment', segment: segmentKey };
      const definitions = await loadDefinitions(client, workspaceId, [segmentKey]);
      if (!definitions.has(segmentKey)) throw unknownSegment(segmentKey);
      const expanded = expand(condition, definitions);
      const { events } = references(expanded.condition);
      const { rows } = await client.query<{ ordinal: number | null; events: Record<string, number> }>(FIND_USER, [
        workspaceId,
        userId,
        [...events],
      ]);
      const ordinal = rows[0]?.ordinal ?? null;
      if (ordinal === null) throw notFound(`the user "${userId.slice(0, 64)}"`);
      const asOf = Date.now();
      const leaves = new Map(leavesOf(expanded.condition).map((leaf) => [keyOf(leaf), leaf]));
      const ids = new Map(Object.entries(rows[0]?.events ?? {}));
      const user = { workspaceId, ordinal, asOf, events: ids };
      const answers = await withPatternLimit(client, expanded.condition, () =>
        evaluate(client, user, [...leaves.values()]),
      );
      const says = new Map([...leaves.keys()].map((key, i) => [key, answers[i] === true]));
      const segment = explained(expanded.outline(), (leaf) => says.get(keyOf(leaf)) === true);
      return { member: segment.holds, asOf: new Date(asOf).toISOString(), condition: segment.of as WhyNode };
    },
    { isolation: 'repeatable read', readOnly: true },
  );

interface OneUser {
  readonly workspaceId: number;
  readonly ordinal: number;
  readonly asOf: number;
  readonly events: ReadonlyMap<string, number>;
}

/** What each leaf says of the user. */
const evaluate = async (db: Queryable, user: OneUser, leaves: readonly Leaf[]): Promise<boolean[]> => {
  const parameters = new Parameters([shardOf(user.workspaceId, user.ordinal), user.ordinal]);
  const holds = leaves.map((leaf) => rowLeaf({ asOf: user.asOf, parameters, events: user.events }, leaf));
  const { rows } = await db.query<{ holds: boolean[] }>(
    `select array[${holds.join(', ')}]::boolean[] as holds from users u where u.shard = $1::bigint and u.ordinal = $2::integer`,
    parameters.values,
  );
  return rows[0]?.holds ?? [];
};

/** A node of a condition, as callers write it, with what it says of the user. */
export interface WhyNode extends ConditionJson {
  readonly holds: boolean;
  readonly of?: WhyNode | readonly WhyNode[];
}

const explained = (node: Outline, holds: (leaf: Leaf) => boolean): WhyNode => {
  switch (node.type) {
    case 'all':
    case 'any': {
      const of = node.of.map((child) => explained(child, holds));
      return { type: node.type, holds: node.type === 'all' ? of.every(saysYes) : of.some(saysYes), of };
    }
    case 'not': {
      const of = explained(node.of, holds);
      return { type: 'not', holds: !of.holds, of };
    }
    case 'segment': {
      const of = explained(node.of, holds);
      return { type: 'segment', segment: node.segment, holds: of.holds, of };
    }
    default:
      return { ...serialise(node), holds: holds(node) };
  }
};

const saysYes = (node: WhyNode): boolean => node.holds;
