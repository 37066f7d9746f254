import { invalid } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import { quote } from '../core/text.ts';
import { isBranch, leafSize, leavesOf } from './leaves.ts';
import { MAX_EXPANDED_DEPTH, MAX_EXPANDED_LEAVES } from './limits.ts';
import type { Condition, ExpandedCondition } from './types.ts';

/** The keys of the segments that a condition names itself, each once, in the order of their first appearance. */
export const referencedSegments = (condition: Condition): string[] => [
  ...new Set(leavesOf(condition).flatMap((leaf) => (leaf.type === 'segment' ? [leaf.segment] : []))),
];

/** Gives the condition of another segment of the workspace, or undefined where there is none of that key. */
export type SegmentLookup = (key: string) => Condition | undefined;

export interface ExpandOptions {
  /** The key of the segment that the condition is of, so that a cycle through itself is named from itself on. */
  readonly key?: string;
  /** Keys that an unknown one may have been meant for. */
  readonly known?: readonly string[];
  /** Where the condition stands in what was sent; `condition` by default. */
  readonly path?: string;
}

interface Measured {
  readonly condition: ExpandedCondition;
  readonly leaves: number;
  readonly depth: number;
}

/**
 * `condition` with the conditions of other segments in the places of their names. The condition of one segment is the same object
 * wherever it stands, so that who walks the tree can do its work once.
 *
 * Sizes are counted before anything is copied, and each segment is expanded once: `a → [b, b]`, `b → [c, c]`, … costs no more than
 * its definitions.
 *
 * @throws EvenkeelError 422 for a cycle (`a → b → a`), an unknown segment, or more than MAX_EXPANDED_LEAVES or MAX_EXPANDED_DEPTH
 */
export const expandSegments = (
  condition: Condition,
  lookup: SegmentLookup,
  options: ExpandOptions = {},
): ExpandedCondition => {
  const expanded = new Map<string, Measured>();
  for (const [key, definition] of inOrder(condition, lookup, options))
    expanded.set(key, substitute(definition, expanded, options));
  return substitute(condition, expanded, options).condition;
};

interface Visit {
  /** Undefined for the condition itself where it has no key yet. */
  readonly key: string | undefined;
  readonly condition: Condition;
  readonly references: string[];
}

/** Every segment that `condition` reaches, those that others need before them. Iterative: chains may be long. */
const inOrder = (condition: Condition, lookup: SegmentLookup, options: ExpandOptions): Map<string, Condition> => {
  const done = new Map<string, Condition>();
  const visit = (key: string | undefined, found: Condition): Visit => ({
    key,
    condition: found,
    references: referencedSegments(found).reverse(),
  });
  const stack: Visit[] = [visit(options.key, condition)];
  const open = new Set<string | undefined>([options.key]);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.references.pop();
    if (next === undefined) {
      if (top.key !== undefined && stack.length > 1) done.set(top.key, top.condition);
      open.delete(top.key);
      stack.pop();
    } else if (open.has(next)) {
      throw cycle(stack, next, options);
    } else if (!done.has(next)) {
      const found = lookup(next);
      if (found === undefined) throw unknownSegment(next, top, options);
      stack.push(visit(next, found));
      open.add(next);
    }
  }
  return done;
};

/** Segments of a cycle that its message names; of a longer one, the ends. */
const MAX_NAMED = 10;

const cycle = (stack: readonly Visit[], key: string, options: ExpandOptions) => {
  const keys = stack.map((visit) => visit.key);
  const round = [...keys.slice(keys.indexOf(key)), key].map(String);
  const named =
    round.length <= MAX_NAMED ? round : [...round.slice(0, MAX_NAMED / 2), '…', ...round.slice(-MAX_NAMED / 2)];
  const cut = named.map((name) => (name.length > 64 ? `${name.slice(0, 64)}…` : name));
  return invalid(`segments refer to each other in a circle: ${cut.join(' → ')}`, { path: options.path ?? 'condition' });
};

const unknownSegment = (key: string, user: Visit, options: ExpandOptions) => {
  const by = user.key === undefined || user.key === options.key ? '' : `, which the segment ${quote(user.key)} names`;
  return invalid(`the segment ${quote(key)}${by} does not exist`, {
    path:
      (by === '' ? placeOf(user.condition, key, options.path ?? 'condition') : undefined) ??
      options.path ??
      'condition',
    ...didYouMean(key, options.known ?? []),
  });
};

/** Where in a condition a segment is named. */
const placeOf = (node: Condition, key: string, path: string): string | undefined => {
  if (!isBranch(node)) return node.type === 'segment' && node.segment === key ? `${path}.segment` : undefined;
  if (node.type === 'not') return placeOf(node.of, key, `${path}.of`);
  for (const [i, child] of node.of.entries()) {
    const place = placeOf(child, key, `${path}.of[${i}]`);
    if (place !== undefined) return place;
  }
  return undefined;
};

/** One definition, given what the segments that it names expand to. */
const substitute = (
  condition: Condition,
  expanded: ReadonlyMap<string, Measured>,
  options: ExpandOptions,
): Measured => {
  const where = { path: options.path ?? 'condition' };
  const check = (measured: Measured): Measured => {
    if (measured.leaves > MAX_EXPANDED_LEAVES)
      throw invalid(
        `the condition has more than ${MAX_EXPANDED_LEAVES} leaves with those of the segments that it names`,
        where,
      );
    if (measured.depth > MAX_EXPANDED_DEPTH)
      throw invalid(
        `the condition is more than ${MAX_EXPANDED_DEPTH} levels deep with those of the segments that it names`,
        where,
      );
    return measured;
  };
  const visit = (node: Condition): Measured => {
    switch (node.type) {
      case 'not': {
        const child = visit(node.of);
        return check({ ...child, condition: { type: 'not', of: child.condition }, depth: child.depth + 1 });
      }
      case 'all':
      case 'any': {
        const of: ExpandedCondition[] = [];
        let leaves = node.of.length === 0 ? 1 : 0;
        let depth = 1;
        for (const child of node.of.map(visit)) {
          of.push(child.condition);
          leaves += child.leaves;
          depth = Math.max(depth, child.depth + 1);
        }
        return check({ condition: { type: node.type, of }, leaves, depth });
      }
      case 'segment': {
        const measured = expanded.get(node.segment);
        if (measured === undefined) throw new Error(`the segment ${node.segment} was not expanded before its use`);
        return check({ ...measured, depth: measured.depth + 1 });
      }
      default:
        return { condition: node, leaves: leafSize(node), depth: 1 };
    }
  };
  return visit(condition);
};
