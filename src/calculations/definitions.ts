import {
  type ExpandOptions,
  expandSegments,
  kindsOf,
  parseCondition,
  referencedSegments,
} from '../conditions/index.ts';
import { type Outline, outline } from '../conditions/outline.ts';
import type { Condition, ConditionKind, ExpandedCondition, Listed, ListRole } from '../conditions/types.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';

const CLOSURE = sql('segments-closure');

export interface Definition {
  readonly id: number;
  readonly key: string;
  readonly version: number;
  /** As it was sent; null: a static segment. */
  readonly condition: unknown;
  /** Ids of its lists of userIds. */
  readonly lists: ListIds | null;
}
export type ListIds = { readonly [R in ListRole]?: number };

export type Definitions = ReadonlyMap<string, Definition>;

/** The segments `keys` and all that they reach, by key; those that do not exist are absent. */
export const loadDefinitions = async (
  db: Queryable,
  workspaceId: number,
  keys: readonly string[],
): Promise<Definitions> => {
  if (keys.length === 0) return new Map();
  const { rows } = await db.query<Definition>(CLOSURE, [workspaceId, keys]);
  return new Map(rows.map((row) => [row.key, row]));
};

/** What callers have written of a segment's condition; undefined of a static one. */
export const ruleOf = ({ condition }: Pick<Definition, 'condition'>): Condition | undefined =>
  condition === null ? undefined : parseCondition(condition);

/**
 * Who belongs to a segment, its lists included: whoever is on the list of a static one; for whom the condition of a dynamic one
 * holds, and who is included, without those who are excluded, so that to be excluded wins.
 */
export const conditionOf = ({ key, condition, lists }: Pick<Definition, 'key' | 'condition' | 'lists'>): Condition => {
  const listed = (role: ListRole): Listed[] => {
    const list = lists?.[role];
    return list === undefined ? [] : [{ type: 'list', segment: key, role, list }];
  };
  const rule = ruleOf({ condition });
  if (rule === undefined) return { type: 'any', of: listed('users') };
  const [include] = listed('include');
  const [exclude] = listed('exclude');
  const included: Condition = include === undefined ? rule : { type: 'any', of: [rule, include] };
  return exclude === undefined ? included : { type: 'all', of: [included, { type: 'not', of: exclude }] };
};

export interface Expanded {
  readonly condition: ExpandedCondition;
  readonly kinds: readonly ConditionKind[];
  /** The same with the names of other segments kept, made when it is asked for. */
  readonly outline: () => Outline;
}

/**
 * `condition` with the conditions of the segments that it names in their places.
 *
 * @throws 422 for a cycle, an unknown segment, or more than a condition may hold
 */
export const expand = (condition: Condition, definitions: Definitions, options: ExpandOptions = {}): Expanded => {
  const parsed = new Map<string, Condition>();
  const lookup = (key: string): Condition | undefined => {
    const known = parsed.get(key);
    if (known !== undefined) return known;
    const definition = definitions.get(key);
    if (definition === undefined) return undefined;
    const made = conditionOf(definition);
    parsed.set(key, made);
    return made;
  };
  const expanded = expandSegments(condition, lookup, options);
  const kinds = new Set<ConditionKind>([...kindsOf(condition), ...kindsOf(expanded)]);
  return { condition: expanded, kinds: [...kinds].sort(), outline: () => outline(condition, lookup) };
};

/** The condition of a segment itself: `segment` is among its kinds only where it refers to another or has lists. */
export const expandSegment = (definition: Definition, definitions: Definitions): Expanded =>
  expand(conditionOf(definition), definitions, { key: definition.key });

/** A condition that belongs to no segment. */
export const loadExpanded = async (db: Queryable, workspaceId: number, condition: Condition): Promise<Expanded> =>
  expand(condition, await loadDefinitions(db, workspaceId, referencedSegments(condition)));
