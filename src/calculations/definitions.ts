import {
  type ExpandOptions,
  expandSegments,
  kindsOf,
  parseCondition,
  referencedSegments,
} from '../conditions/index.ts';
import { type Outline, outline } from '../conditions/outline.ts';
import type { Condition, ConditionKind, ExpandedCondition } from '../conditions/types.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';

const CLOSURE = sql('segments-closure');

export interface Definition {
  readonly id: number;
  readonly key: string;
  readonly version: number;
  /** As it was sent. */
  readonly condition: unknown;
}

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
    const made = parseCondition(definition.condition);
    parsed.set(key, made);
    return made;
  };
  const expanded = expandSegments(condition, lookup, options);
  const kinds = new Set<ConditionKind>([...kindsOf(condition), ...kindsOf(expanded)]);
  return { condition: expanded, kinds: [...kinds].sort(), outline: () => outline(condition, lookup) };
};

/** The condition of a segment itself: `segment` is among its kinds only where it refers to another. */
export const expandSegment = (definition: Definition, definitions: Definitions): Expanded =>
  expand(parseCondition(definition.condition), definitions, { key: definition.key });

/** A condition that belongs to no segment. */
export const loadExpanded = async (db: Queryable, workspaceId: number, condition: Condition): Promise<Expanded> =>
  expand(condition, await loadDefinitions(db, workspaceId, referencedSegments(condition)));
