import { createHash } from 'node:crypto';
import { COMPLEMENT } from './complements.ts';
import { EARLIEST_MS } from './dates.ts';
import { elementKey } from './references.ts';
import { serialise } from './serialise.ts';
import type { Condition, Leaf, PropertyCondition, Scalar, SegmentReference } from './types.ts';

const DAY_MS = 86_400_000;

/**
 * One form for all conditions that differ in writing only: the order of `of` and of lists, repeats, `all` in `all`, `any` in `any`,
 * branches of one child, double negation, the negation of an operator that has an opposite, lists of one value, the hour of an `on`; also inside
 * `where`.
 * It has the same members for every data and `asOf`, and normalising it again changes nothing.
 */
export const normalise = (condition: Condition): Condition => canonical(condition).condition;

/**
 * sha256 in hex of the normalised form: two conditions of one hash mean the same. Of conditions that name segments, it is the names
 * that count: hash what they expand to in order to compare meanings.
 */
export const hashCondition = (condition: Condition): string =>
  createHash('sha256').update(canonical(condition).key).digest('hex');

/** A normalised condition and its JSON, by which siblings are sorted and told apart. */
interface Canonical {
  readonly condition: Condition;
  readonly key: string;
}

const withKey = (condition: Condition): Canonical => ({ condition, key: JSON.stringify(serialise(condition)) });

const canonical = (node: Condition): Canonical => {
  switch (node.type) {
    case 'all':
    case 'any':
      return canonicalBranch(node.type, node.of.map(canonical));
    case 'not':
      return canonicalNot(canonical(node.of));
    default:
      return withKey(canonicalLeaf(node));
  }
};

const canonicalBranch = (type: 'all' | 'any', children: readonly Canonical[]): Canonical => {
  const byKey = new Map<string, Condition>();
  for (const child of children) {
    // children are normalised, so theirs are flat already
    const flat = child.condition.type === type ? child.condition.of.map(withKey) : [child];
    for (const { key, condition } of flat) byKey.set(key, condition);
  }
  const keys = [...byKey.keys()].sort();
  const of = keys.map((key) => byKey.get(key) as Condition);
  const [only] = of;
  if (only !== undefined && of.length === 1) return { condition: only, key: keys[0] as string };
  return { condition: { type, of }, key: `{"type":"${type}","of":[${keys.join(',')}]}` };
};

const canonicalNot = (child: Canonical): Canonical => {
  const { condition } = child;
  if (condition.type === 'not') return withKey(condition.of);
  const opposite = condition.type === 'property' ? COMPLEMENT[condition.operator] : undefined;
  if (opposite !== undefined) return withKey({ ...condition, operator: opposite } as Condition);
  return { condition: { type: 'not', of: condition }, key: `{"type":"not","of":${child.key}}` };
};

const canonicalLeaf = (leaf: Leaf | SegmentReference): Condition => {
  if (leaf.type === 'property') return canonicalProperty(leaf);
  if (leaf.type === 'sequence') return { ...leaf, steps: leaf.steps.map(withCanonicalWhere) };
  return 'where' in leaf ? withCanonicalWhere(leaf) : leaf;
};

/** What stands in `where` must all hold: like the children of an `all`. */
const withCanonicalWhere = <T extends { readonly where?: readonly PropertyCondition[] }>(of: T): T => {
  if (of.where === undefined) return of;
  const byKey = new Map(of.where.map(canonicalProperty).map((leaf) => [JSON.stringify(serialise(leaf)), leaf]));
  return { ...of, where: [...byKey.keys()].sort().map((key) => byKey.get(key) as PropertyCondition) };
};

const canonicalProperty = (leaf: PropertyCondition): PropertyCondition => {
  const { type, property } = leaf;
  switch (leaf.operator) {
    case 'in':
    case 'not_in': {
      const value = distinct(leaf.value);
      const [only] = value;
      if (only === undefined || value.length > 1) return { ...leaf, value };
      return { type, property, operator: leaf.operator === 'in' ? 'equals' : 'not_equals', value: only };
    }
    case 'includes_any':
    case 'includes_all': {
      const value = distinct(leaf.value);
      const [only] = value;
      if (only === undefined || value.length > 1) return { ...leaf, value };
      return { type, property, operator: 'includes', value: only };
    }
    case 'on':
      return { ...leaf, value: Math.max(Math.floor(leaf.value / DAY_MS) * DAY_MS, EARLIEST_MS) };
    default:
      return leaf;
  }
};

const distinct = (values: readonly Scalar[]): Scalar[] => {
  const byKey = new Map(values.map((value) => [elementKey(value), value]));
  return [...byKey.keys()].sort().map((key) => byKey.get(key) as Scalar);
};
