import type { All, Any, Leaf, Not, PropertyCondition, SegmentReference, Tree } from './types.ts';

interface Typed {
  readonly type: string;
}

/** Whether a node is `all`, `any` or `not`; all else is a leaf. */
export const isBranch = <L extends Typed>(node: Tree<L>): node is All<L> | Any<L> | Not<L> =>
  node.type === 'all' || node.type === 'any' || node.type === 'not';

/** The leaves of a tree from left to right, each place once: a leaf that stands twice comes twice. */
export const leavesOf = <L extends Typed>(condition: Tree<L>): Exclude<L, All<L> | Any<L> | Not<L>>[] => {
  const leaves: Exclude<L, All<L> | Any<L> | Not<L>>[] = [];
  const visit = (node: Tree<L>): void => {
    if (!isBranch(node)) leaves.push(node as Exclude<L, All<L> | Any<L> | Not<L>>);
    else if (node.type === 'not') visit(node.of);
    else node.of.forEach(visit);
  };
  visit(condition);
  return leaves;
};

/** A leaf and where it stands: `condition.of[2]`. */
export interface Place<L> {
  readonly path: string;
  readonly leaf: L;
}

/** The leaves of a tree with their places, from left to right. */
export const placesOf = <L extends Typed>(
  condition: Tree<L>,
  path = 'condition',
): Place<Exclude<L, All<L> | Any<L> | Not<L>>>[] => {
  if (!isBranch(condition)) return [{ path, leaf: condition as Exclude<L, All<L> | Any<L> | Not<L>> }];
  if (condition.type === 'not') return placesOf(condition.of, `${path}.of`);
  return condition.of.flatMap((child, i) => placesOf(child, `${path}.of[${i}]`));
};

/** The property conditions of a leaf: itself, or those in its `where`. */
export const propertyPlaces = ({ path, leaf }: Place<Leaf | SegmentReference>): Place<PropertyCondition>[] => {
  if (leaf.type === 'property') return [{ path, leaf }];
  const inside = (where: readonly PropertyCondition[] = [], place = path) =>
    where.map((each, i) => ({ path: `${place}.where[${i}]`, leaf: each }));
  if (leaf.type === 'sequence') return leaf.steps.flatMap(({ where }, i) => inside(where, `${path}.steps[${i}]`));
  return 'where' in leaf ? inside(leaf.where) : [];
};

/** How much a leaf counts towards the limits: each step and each property condition inside it is one as well. */
export const leafSize = (leaf: Leaf | SegmentReference): number => {
  if (leaf.type === 'property') return 1;
  const own = leaf.type === 'sequence' ? leaf.steps.length : 1;
  return own + propertyPlaces({ path: '', leaf }).length;
};
