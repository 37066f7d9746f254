import type { All, Any, Not, Tree } from './types.ts';

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
