import type { Target } from './scopes.ts';
import type { Segments } from './segments.ts';

/** What may be the cause: everything, a kind, a workspace, a kind within a workspace, a segment. */
export interface Candidate {
  readonly id: number;
  readonly target: Target;
  /** Effective number of calculations. */
  weight: number;
  /** What it costs, as twice a log-likelihood, that there are so many of its sort. */
  penalty: number;
}

/** Of each member (a segment with calculations), the candidates that it is in: `ids` from `from[member]` on. */
export interface Candidates {
  readonly all: readonly Candidate[];
  readonly ids: readonly number[];
  readonly from: readonly number[];
}

const SORTS = 5;

export const candidatesOf = (segments: Segments, index: readonly number[], weight: Float64Array): Candidates => {
  const all: Candidate[] = [];
  const sorts: number[] = [];
  const ids: number[] = [];
  const from: number[] = [0];
  const known = Array.from({ length: SORTS }, () => new Map<number, number>());
  const put = (sort: number, key: number, member: number, target: Target): void => {
    let id = known[sort]!.get(key);
    if (id === undefined) {
      id = all.length;
      known[sort]!.set(key, id);
      all.push({ id, target, weight: 0, penalty: 0 });
      sorts.push(sort);
    }
    all[id]!.weight += weight[member]!;
    ids.push(id);
  };
  const kinds = 1 + segments.kinds.reduce((most, each) => each.reduce((a, b) => Math.max(a, b), most), 0);
  index.forEach((i, member) => {
    const workspace = segments.workspaces[i]!;
    put(0, 0, member, {});
    for (const kind of segments.kinds[i]!) {
      put(1, kind, member, { kind });
      put(3, workspace * kinds + kind, member, { kind, workspace });
    }
    put(2, workspace, member, { workspace });
    put(4, i, member, { segment: i });
    from.push(ids.length);
  });
  for (const candidate of all) candidate.penalty = 2 * Math.log(known[sorts[candidate.id]!]!.size);
  return { all, ids, from };
};

export const membersOf = ({ ids, from }: Candidates, id: number): number[] => {
  const members: number[] = [];
  for (let member = 0; member + 1 < from.length; member++)
    for (let at = from[member]!; at < from[member + 1]!; at++) if (ids[at] === id) members.push(member);
  return members;
};
