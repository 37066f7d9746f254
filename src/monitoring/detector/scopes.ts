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
