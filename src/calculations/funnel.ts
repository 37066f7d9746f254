import type pg from 'pg';
import type { Catalogue } from '../compiler/catalogue.ts';
import { isBranch, leavesOf } from '../conditions/leaves.ts';
import type { Outline } from '../conditions/outline.ts';
import { type ConditionJson, serialise } from '../conditions/serialise.ts';
import type { ConditionKind, Leaf } from '../conditions/types.ts';
import { type Everybody, type LeafBits, readEverybody, readLeaf, type ServedBy } from './leaf-bits.ts';
import { and, andNot, copyOf, countBits, empty, or, type WorkspaceBits } from './workspace-bits.ts';

/** A node as callers write it, with how many users it holds for: by itself, and among those who come to it. */
export interface FunnelNode extends ConditionJson {
  readonly alone: number;
  readonly inSequence: number;
  readonly of?: FunnelNode | readonly FunnelNode[];
}

/** One of the different leaves. */
export interface FunnelLeaf {
  readonly leaf: ConditionJson;
  readonly kind: ConditionKind;
  readonly servedBy: ServedBy;
  readonly alone: number;
  readonly inSequence: number;
  readonly durationMs: number;
  readonly expectedMs: number;
  /** Its part of what all leaves took. */
  readonly share: number;
}

export interface Funnel {
  readonly population: number;
  readonly members: number;
  readonly tree: FunnelNode;
  readonly leaves: readonly FunnelLeaf[];
}

/**
 * How many users each node of a condition holds for, exactly; each different leaf is evaluated once, by itself.
 *
 * `inSequence` counts as if the tree were read from left to right, and for each user only as far as needed: whoever fails one child
 * of an `all` does not come to the next, and neither does whoever fulfils one of an `any`. So the last child of an `all` counts
 * its members, and the children of an `any` add up to them. A leaf that stands twice is told with its first place.
 */
export const funnel = async (
  client: pg.ClientBase,
  condition: Outline,
  context: { readonly catalogue: Catalogue; readonly asOf: number },
): Promise<Funnel> => {
  const everybody = await readEverybody(client, context.catalogue.shards);
  const walk = new Walk(everybody, usesOf(condition), (leaf) => readLeaf(client, leaf, context, everybody));
  const { bits, node } = await walk.visit(condition, everybody.bits);
  return { population: countBits(everybody.bits), members: countBits(bits), tree: node, leaves: walk.leaves() };
};

const keyOf = (leaf: Leaf): string => JSON.stringify(leaf);

/** How often each leaf stands in the tree. */
const usesOf = (condition: Outline): Map<string, number> => {
  const uses = new Map<string, number>();
  const count = (node: Outline): void => {
    for (const leaf of leavesOf(node))
      if (leaf.type === 'segment') count(leaf.of);
      else uses.set(keyOf(leaf), (uses.get(keyOf(leaf)) ?? 0) + 1);
  };
  count(condition);
  return uses;
};

interface Visited {
  readonly bits: WorkspaceBits;
  readonly node: FunnelNode;
}

/** Bitmaps are kept as long as somebody needs them, since hundreds of leaves over millions of users would not fit. */
class Walk {
  readonly #everybody: Everybody;
  readonly #uses: Map<string, number>;
  readonly #read: (leaf: Leaf) => Promise<LeafBits>;
  readonly #kept = new Map<string, LeafBits>();
  readonly #told = new Map<string, Omit<FunnelLeaf, 'share'>>();

  constructor(everybody: Everybody, uses: Map<string, number>, read: (leaf: Leaf) => Promise<LeafBits>) {
    this.#everybody = everybody;
    this.#uses = uses;
    this.#read = read;
  }

  leaves(): FunnelLeaf[] {
    const told = [...this.#told.values()];
    const totalMs = told.reduce((sum, { durationMs }) => sum + durationMs, 0);
    return told.map((leaf) => ({ ...leaf, share: totalMs === 0 ? 0 : leaf.durationMs / totalMs }));
  }

  /** `among`: those who come to the node. */
  async visit(node: Outline, among: WorkspaceBits): Promise<Visited> {
    const counted = (bits: WorkspaceBits) => ({
      alone: countBits(bits),
      inSequence: countBits(and(copyOf(bits), among)),
    });
    if (node.type === 'segment') {
      const { bits, node: of } = await this.visit(node.of, among);
      return { bits, node: { type: 'segment', segment: node.segment, alone: of.alone, inSequence: of.inSequence, of } };
    }
    if (!isBranch(node)) return this.#visitLeaf(node, counted);
    if (node.type === 'not') {
      const child = await this.visit(node.of, among);
      const bits = andNot(copyOf(this.#everybody.bits), child.bits);
      return { bits, node: { type: 'not', ...counted(bits), of: child.node } };
    }
    const [join, go] = node.type === 'all' ? [and, and] : [or, andNot];
    const bits = node.type === 'all' ? copyOf(this.#everybody.bits) : empty(this.#everybody.bits);
    const coming = copyOf(among);
    const of: FunnelNode[] = [];
    for (const each of node.of) {
      const child = await this.visit(each, coming);
      join(bits, child.bits);
      go(coming, child.bits);
      of.push(child.node);
    }
    return { bits, node: { type: node.type, ...counted(bits), of } };
  }

  async #visitLeaf(
    leaf: Leaf,
    counted: (bits: WorkspaceBits) => { alone: number; inSequence: number },
  ): Promise<Visited> {
    const key = keyOf(leaf);
    const { bits, ...facts } = this.#kept.get(key) ?? (await this.#read(leaf));
    const left = (this.#uses.get(key) ?? 1) - 1;
    this.#uses.set(key, left);
    if (left > 0) this.#kept.set(key, { bits, ...facts });
    else this.#kept.delete(key);
    const counts = counted(bits);
    if (!this.#told.has(key)) this.#told.set(key, { leaf: serialise(leaf), ...facts, ...counts });
    return { bits, node: { ...serialise(leaf), ...counts } };
  }
}
