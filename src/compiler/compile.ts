import { POSITIVE } from '../conditions/complements.ts';
import { kindOf } from '../conditions/kinds.ts';
import { isBranch } from '../conditions/leaves.ts';
import type { ConditionKind, ExpandedCondition, Leaf } from '../conditions/types.ts';
import { and, type Bits, not, or, within } from './bits.ts';
import type { Catalogue } from './catalogue.ts';
import { addCosts, type Cost, cost } from './cost.ts';
import { isKeptTree, keptSource, keptTreeSource, leafKey } from './kept.ts';
import { aggregateSource, eventCountSource, recencySource, sequenceSource } from './event-sources.ts';
import { Parameters, renumber } from './parameters.ts';
import { listSource } from './lists.ts';
import { type Context, propertySource } from './properties.ts';
import { sampleSource } from './sample.ts';
import type { Source, SourceName } from './slices.ts';

/** One of the condition's different leaves, as it is evaluated. */
export interface CompiledLeaf {
  readonly kind: ConditionKind;
  readonly leaf: Leaf;
  readonly source: SourceName;
  /** For each chunk. */
  readonly cost: Cost;
}

/** Who is in a segment, as an expression. */
export interface Membership {
  /** SQL of type bit(32000), never null, correlated on `chunks c` (c.shard, c.chunk, c.users); of users that exist only. */
  readonly text: string;
  /** Of the parameters $1, $2, … in it. */
  readonly values: readonly unknown[];
  /** For each chunk. */
  readonly cost: Cost;
  readonly leaves: readonly CompiledLeaf[];
  /** Nobody is in it who has none of what it reads, so that it changes with that only, and not with who exists. */
  readonly anchored: boolean;
}

const SOURCES: { readonly [T in Leaf['type']]: (context: Context, leaf: Extract<Leaf, { type: T }>) => Source } = {
  property: propertySource,
  event: eventCountSource,
  event_aggregate: aggregateSource,
  event_recency: recencySource,
  sequence: sequenceSource,
  sample: sampleSource,
  list: listSource,
};

/** What is evaluated as one: a leaf, or a tree whose bitmaps are kept. */
type Part = ExpandedCondition;

interface Shared {
  readonly part: Part;
  uses: number;
}

/** A leaf and its complement are the same bits. */
export const positive = (leaf: Leaf): { leaf: Leaf; negated: boolean } => {
  const operator = leaf.type === 'property' ? POSITIVE[leaf.operator] : undefined;
  return operator ? { leaf: { ...leaf, operator } as Leaf, negated: true } : { leaf, negated: false };
};

/** Each different part with how often it stands in the tree. */
const differentParts = (condition: ExpandedCondition, catalogue: Catalogue): Map<string, Shared> => {
  const found = new Map<string, Shared>();
  const visit = (node: ExpandedCondition): void => {
    if (isBranch(node) && !isKeptTree(catalogue, node)) {
      if (node.type === 'not') visit(node.of);
      else node.of.forEach(visit);
      return;
    }
    const part = isBranch(node) ? node : positive(node).leaf;
    const key = leafKey(part);
    const known = found.get(key);
    if (known) known.uses++;
    else found.set(key, { part, uses: 1 });
  };
  visit(condition);
  return found;
};

interface Evaluated {
  readonly source: Source;
  readonly leaves: readonly CompiledLeaf[];
}

const evaluatePart = (context: Context, part: Part): Evaluated => {
  if (isBranch(part)) {
    const compiled = compileWith(keptTreeContext(context, part), part);
    const source = keptTreeSource(context, part, compiled.text);
    return { source, leaves: compiled.leaves.map((leaf) => ({ ...leaf, source: source.source, cost: cost({}) })) };
  }
  const evaluated = (SOURCES[part.type] as (context: Context, leaf: Leaf) => Source)(context, part);
  const source = keptSource(context, part, evaluated);
  return { source, leaves: [{ kind: kindOf(part), leaf: part, source: source.source, cost: source.cost }] };
};

/** For what is evaluated in the place of a tree whose bitmap is missing: the tree itself is not kept there. */
const keptTreeContext = (context: Context, tree: Part): Context => {
  const kept = new Map(context.catalogue.kept);
  kept.delete(leafKey(tree));
  return { ...context, catalogue: { ...context.catalogue, kept } };
};

/**
 * Compiles a condition over what the catalogue knows. Relative time counts from `asOf` (epoch milliseconds).
 *
 * `{"type":"all","of":[{"type":"property","property":"plan","operator":"is_set"},{"type":"not","of":{… "ltv" …}}]}` becomes
 * `(coalesce((select s.bits from slices s where … $1 …), zero) & ~coalesce((select …), zero))`.
 *
 * A leaf that stands several times is evaluated once: PostgreSQL would run each copy of a subquery, so that these stand in a
 * derived table behind `offset 0`, which it does not pull up.
 */
export const compile = (condition: ExpandedCondition, catalogue: Catalogue, asOf: number): Membership => {
  const parameters = new Parameters();
  const compiled = compileWith({ catalogue, asOf, parameters }, condition);
  return { ...compiled, ...renumber(compiled.text, parameters.values) };
};

/** With the parameters of the context, which stand in `text` as they are added. */
const compileWith = (context: Context, condition: ExpandedCondition): Omit<Membership, 'values'> => {
  const leaves: CompiledLeaf[] = [];
  const costs: Cost[] = [];
  const shared: string[] = [];
  const results = new Map<string, Bits>();
  for (const [key, { part, uses }] of differentParts(condition, context.catalogue)) {
    const evaluated = evaluatePart(context, part);
    leaves.push(...evaluated.leaves);
    costs.push(evaluated.source.cost);
    let result = evaluated.source.bits;
    if (uses > 1 && result.kind === 'sql') {
      const name = `l${shared.length}`;
      shared.push(`${result.text} as ${name}`);
      result = { ...result, text: `l.${name}` };
    }
    results.set(key, result);
  }

  let operations = 1;
  const build = (node: ExpandedCondition): Bits => {
    if (isBranch(node)) {
      if (isKeptTree(context.catalogue, node)) return results.get(leafKey(node)) as Bits;
      if (node.type === 'not') return not(build(node.of));
      operations += Math.max(node.of.length - 1, 0);
      return node.type === 'all' ? and(node.of.map(build)) : or(node.of.map(build));
    }
    const { leaf, negated } = positive(node);
    const result = results.get(leafKey(leaf)) as Bits;
    return negated ? not(result) : result;
  };
  const result = build(condition);
  const root = within('c.users', result);
  const named = new Set(Array.from(root.matchAll(/\bl\.l(\d+)\b/g), (match) => Number(match[1])));
  const used = shared.filter((_, i) => named.has(i));
  return {
    text: used.length === 0 ? root : `(select ${root} from (select ${used.join(', ')} offset 0) l)`,
    cost: addCosts([...costs, cost({ operations })]),
    leaves,
    anchored: result.kind === 'sql' && !result.complement && result.existing,
  };
};
