import { isBranch } from '../conditions/leaves.ts';
import type { ExpandedCondition, Leaf } from '../conditions/types.ts';
import { smallestUnit } from '../conditions/units.ts';
import { bits, within } from './bits.ts';
import type { Catalogue } from './catalogue.ts';
import { cost } from './cost.ts';
import type { Membership } from './compile.ts';
import { Parameters } from './parameters.ts';
import type { Source } from './slices.ts';
import { inShards, type NamedStatement, named, type ShardRange } from './statements.ts';

/**
 * Bitmaps that are kept of leaves, so that a range over 18 slices is one read, and of whole trees of such leaves. Decisions 0039 and
 * 0045. A chunk whose bitmap is not there is evaluated in the same statement: whether one is kept never decides who is a member.
 */

/** Longer ones, lists of many values, are not kept. */
export const MAX_KEPT_LEAF_LENGTH = 4_000;

/** A leaf or a tree as a key: equal ones have the same. */
export const leafKey = (condition: ExpandedCondition): string => JSON.stringify(condition);

/**
 * Whether a leaf is of the sort that can be kept: a positive operator whose outcome depends on one property alone, not on the time.
 * Regular expressions are left out, as what they take is bounded by a limit of whoever asks.
 */
export const mayBeKept = (leaf: Leaf): leaf is Extract<Leaf, { type: 'property' }> =>
  leaf.type === 'property' &&
  leaf.operator !== 'matches' &&
  smallestUnit(leaf) === undefined &&
  leafKey(leaf).length <= MAX_KEPT_LEAF_LENGTH;

/**
 * Whether it is worth it: bitmaps decide, and more than one has to be read; or texts have to be looked through. A tree has to be anchored
 * beside, as who comes into being takes no bitmaps away.
 *
 * @param membership of the leaf or tree, compiled without anything kept
 */
export const isWorthKeeping = (condition: ExpandedCondition, { leaves, anchored }: Membership): boolean =>
  isBranch(condition)
    ? anchored && leaves.length > 1 && leaves.every(({ source }) => source === 'bitmaps' || source === 'texts')
    : leaves.every(isWorthReading);

const isWorthReading = ({ source, cost: of }: Pick<Source, 'source' | 'cost'>): boolean =>
  source === 'texts' || (source === 'bitmaps' && of.slicesRead > 1);

interface Kept {
  readonly catalogue: Catalogue;
  readonly parameters: Parameters;
}

/** What is kept of the leaf where it is, chunk by chunk, in the place of `source`. */
export const keptSource = (kept: Kept, leaf: Leaf, source: Source): Source => {
  const id = kept.catalogue.kept?.get(leafKey(leaf));
  if (id === undefined || !mayBeKept(leaf) || !isWorthReading(source)) return source;
  return keptOr(kept, id, within('c.users', source.bits));
};

/** Whether bitmaps of the whole tree are kept. */
export const isKeptTree = ({ kept }: Catalogue, tree: ExpandedCondition): boolean =>
  kept !== undefined && kept.size > 0 && isBranch(tree) && kept.has(leafKey(tree));

/** @param otherwise SQL that evaluates the tree, of users who exist only */
export const keptTreeSource = (kept: Kept, tree: ExpandedCondition, otherwise: string): Source =>
  keptOr(kept, kept.catalogue.kept?.get(leafKey(tree)) as number, otherwise);

/** `coalesce` looks at its second argument only where the first is null. */
const keptOr = ({ parameters }: Kept, id: number, otherwise: string): Source => ({
  bits: bits(
    `coalesce((select k.bits from kept_bits k where k.shard = c.shard and k.leaf_id = ${parameters.add(id, 'int')}), ${otherwise})`,
    true,
  ),
  cost: cost({ slicesRead: 1 }),
  source: 'kept',
});

/**
 * Keeps the leaf or tree in so many shards that lack it. Gives a row for each. To be run under the fold lock.
 *
 * @param membership of it, compiled without anything kept
 */
export const keepStatement = (
  membership: Membership,
  { leafId, shards, limit }: { readonly leafId: number; readonly shards: ShardRange; readonly limit: number },
): NamedStatement => {
  const parameters = new Parameters(membership.values);
  const id = parameters.add(leafId, 'int');
  return named(
    `insert into kept_bits (shard, leaf_id, bits)
select c.shard, ${id}, ${membership.text}
from chunks c
where ${inShards(parameters, shards)}
  and not exists (select from kept_bits k where k.shard = c.shard and k.leaf_id = ${id})
  and exists (select from kept_leaves l where l.id = ${id})
order by c.shard
limit ${parameters.add(limit, 'bigint')}
returning 1`,
    parameters,
  );
};
