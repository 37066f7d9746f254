import { isBranch } from '../conditions/leaves.ts';
import type { ExpandedCondition, Leaf } from '../conditions/types.ts';
import { type Who, whoAggregates, whoCounts, whoRecently } from './event-rows.ts';
import { rowListed } from './lists.ts';
import { type RowContext, rowProperty } from './row-property.ts';
import { sampleThreshold } from './sample.ts';
import { whoInSequence } from './sequence.ts';

/**
 * A condition as it is evaluated on one row of `users u` (u.shard, u.ordinal, u.properties): what its bitmaps say for that user's
 * bit. For users whose changes no bitmap has yet, for columns that have no bitmaps, and for questions about one user.
 */

export type { RowContext };

/** By the user's own events, which the index events_by_user finds; partitions outside the window are not looked at. */
const byEvents = ({ query, complement }: Who): string => {
  if (query === null) return String(complement);
  const found = `exists (${query({ scope: 'x.shard = u.shard and x.ordinal = u.ordinal', give: 'x.ordinal' })})`;
  return complement ? `not ${found}` : found;
};

const ROWS: { readonly [T in Leaf['type']]: (context: RowContext, leaf: Extract<Leaf, { type: T }>) => string } = {
  property: (context, leaf) => rowProperty(context, 'u.properties', leaf),
  event: (context, leaf) => byEvents(whoCounts(context, leaf)),
  event_aggregate: (context, leaf) => byEvents(whoAggregates(context, leaf)),
  event_recency: (context, leaf) => byEvents(whoRecently(context, leaf)),
  sequence: (context, leaf) => byEvents(whoInSequence(context, leaf)),
  sample: ({ parameters }, { seed, percent }) =>
    `evenkeel_sampled(u.ordinal, ${parameters.add(seed, 'text')}, ${parameters.add(sampleThreshold(percent), 'int')})`,
  list: rowListed,
};

/** Whether a leaf holds for the user: SQL of type boolean, never null. */
export const rowLeaf = (context: RowContext, leaf: Leaf): string =>
  `(${(ROWS[leaf.type] as (context: RowContext, leaf: Leaf) => string)(context, leaf)})`;

/**
 * Whether a condition holds for the user: SQL of type boolean, never null.
 *
 * `{"type":"not","of":{"type":"property","property":"plan","operator":"contains","value":"pro"}}` becomes
 * `(not ((coalesce(strpos((u.properties ->> $1) collate "C", $2) > 0, false) and jsonb_typeof(u.properties -> $1) = 'string')))`.
 */
export const rowCondition = (context: RowContext, condition: ExpandedCondition): string => {
  if (!isBranch(condition)) return rowLeaf(context, condition);
  if (condition.type === 'not') return `(not ${rowCondition(context, condition.of)})`;
  const children = condition.of.map((child) => rowCondition(context, child));
  if (children.length === 0) return condition.type === 'all' ? 'true' : 'false';
  return `(${children.join(condition.type === 'all' ? ' and ' : ' or ')})`;
};
