import type { Leaf } from '../conditions/types.ts';
import { smallestUnit } from '../conditions/units.ts';
import { type Bits, bits, within } from './bits.ts';
import type { Catalogue } from './catalogue.ts';
import { cost } from './cost.ts';
import type { Membership } from './compile.ts';
import { Parameters } from './parameters.ts';
import type { Source } from './slices.ts';
import { inShards, type NamedStatement, named, type ShardRange } from './statements.ts';

/**
 * Bitmaps that are kept of leaves, so that a range over 18 slices is one read. Decision 0039. A chunk whose bitmap is not there is
 * evaluated in the same statement: whether one is kept never decides who is a member.
 */

/** Longer ones, lists of many values, are not kept. */
export const MAX_KEPT_LEAF_LENGTH = 4_000;

/** The leaf as a key: equal leaves have the same. */
export const leafKey = (leaf: Leaf): string => JSON.stringify(leaf);

/**
 * Whether a leaf is of the sort that can be kept: a positive operator whose outcome depends on one property alone, not on the time.
 * Regular expressions are left out, as what they take is bounded by a limit of whoever asks.
 */
export const mayBeKept = (leaf: Leaf): leaf is Extract<Leaf, { type: 'property' }> =>
  leaf.type === 'property' &&
  leaf.operator !== 'matches' &&
  smallestUnit(leaf) === undefined &&
  leafKey(leaf).length <= MAX_KEPT_LEAF_LENGTH;

/** Whether it is worth it: bitmaps decide, and more than one has to be read; or texts have to be looked through. */
export const isWorthKeeping = ({ source, cost: of }: Pick<Source, 'source' | 'cost'>): boolean =>
  source === 'texts' || (source === 'bitmaps' && of.slicesRead > 1);

/** What is kept of the leaf where it is, chunk by chunk, in the place of `source`. */
export const keptSource = (
  { catalogue, parameters }: { readonly catalogue: Catalogue; readonly parameters: Parameters },
  leaf: Leaf,
  source: Source,
): Source => {
  const id = catalogue.kept?.get(leafKey(leaf));
  if (id === undefined || !mayBeKept(leaf) || !isWorthKeeping(source)) return source;
  return {
    bits: keptOr(`k.leaf_id = ${parameters.add(id, 'int')}`, source.bits),
    cost: cost({ slicesRead: 1 }),
    source: 'kept',
  };
};

/** `coalesce` looks at its second argument only where the first is null. */
const keptOr = (which: string, otherwise: Bits): Bits =>
  bits(
    `coalesce((select k.bits from kept_bits k where k.shard = c.shard and ${which}), ${within('c.users', otherwise)})`,
    true,
  );

/**
 * Keeps the leaf in so many shards that lack it. Gives a row for each. To be run under the fold lock.
 *
 * @param membership of the leaf, compiled without anything kept
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
order by c.shard
limit ${parameters.add(limit, 'bigint')}
returning 1`,
    parameters,
  );
};
