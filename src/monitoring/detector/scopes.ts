import type { Scope } from '../types.ts';
import type { Segments } from './segments.ts';

/** A scope by numbers; everything where empty. */
export interface Target {
  readonly kind?: number;
  readonly workspace?: number;
  readonly segment?: number;
}

export const isIn = (target: Target, segments: Segments, index: number): boolean =>
  (target.segment === undefined || target.segment === index) &&
  (target.workspace === undefined || target.workspace === segments.workspaces[index]) &&
  (target.kind === undefined || segments.kinds[index]!.includes(target.kind));

export const sameTarget = (a: Target, b: Target): boolean =>
  a.kind === b.kind && a.workspace === b.workspace && a.segment === b.segment;

/** Numbers of kinds and workspaces stay below this. */
const MOST = 2 ** 24;

/** A number for each target: a segment's is negative. */
export const keyOf = ({ kind, workspace, segment }: Target): number =>
  segment === undefined ? ((kind ?? -1) + 1) * MOST + (workspace ?? -1) + 1 : -1 - segment;

export const scopeOf = (target: Target, names: Names, segments: Segments): Scope => ({
  ...(target.kind === undefined ? {} : { kind: names.kinds[target.kind]! }),
  ...(target.workspace === undefined ? {} : { workspace: names.workspaces[target.workspace]! }),
  ...(target.segment === undefined
    ? {}
    : { workspace: names.workspaces[segments.workspaces[target.segment]!]!, segment: segments.names[target.segment]! }),
});

export interface Names {
  readonly kinds: readonly string[];
  readonly workspaces: readonly string[];
}

/** By the names of the outside; undefined where there is nothing of that name. */
export const targetOf = (
  { kind, workspace, segment }: Scope,
  segments: Segments,
  kinds: ReadonlyMap<string, number>,
  workspaces: ReadonlyMap<string, number>,
): Target | undefined => {
  const index = segment === undefined ? undefined : segments.find(workspace ?? '', segment);
  if (index !== undefined) return index < 0 ? undefined : { segment: index };
  const [k, w] = [kind === undefined ? -1 : kinds.get(kind), workspace === undefined ? -1 : workspaces.get(workspace)];
  if (k === undefined || w === undefined) return undefined;
  return { ...(k < 0 ? {} : { kind: k }), ...(w < 0 ? {} : { workspace: w }) };
};
