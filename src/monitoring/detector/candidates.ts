import { keyOf, type Target } from './scopes.ts';
import { perEdition, type Segments } from './segments.ts';

/** What may be the cause: everything, a kind, a workspace, a kind within a workspace, a segment. */
export interface Candidate {
  readonly id: number;
  /** Which of those. */
  readonly sort: number;
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

/** Every target there is with its sort, and of each segment those that it is in: `own` from `from[segment]` on. */
interface Targets {
  readonly all: readonly Target[];
  readonly sorts: readonly number[];
  readonly own: readonly number[];
  readonly from: readonly number[];
}

const SORTS = 5;

const targetsOf = perEdition((segments): Targets => {
  const all: Target[] = [];
  const sorts: number[] = [];
  const own: number[] = [];
  const from: number[] = [0];
  const known = new Map<number, number>();
  const put = (sort: number, target: Target): void => {
    const key = keyOf(target);
    let number = known.get(key);
    if (number === undefined) {
      number = all.length;
      known.set(key, number);
      all.push(target);
      sorts.push(sort);
    }
    own.push(number);
  };
  for (let segment = 0; segment < segments.length; segment++) {
    const workspace = segments.workspaces[segment]!;
    put(0, {});
    for (const kind of segments.kinds[segment]!) {
      put(1, { kind });
      put(3, { kind, workspace });
    }
    put(2, { workspace });
    put(4, { segment });
    from.push(own.length);
  }
  return { all, sorts, own, from };
});

/** Of the segments `index`, which have so much weight each. */
export const candidatesOf = (segments: Segments, index: readonly number[], weight: Float64Array): Candidates => {
  const targets = targetsOf(segments);
  const all: Candidate[] = [];
  const ids: number[] = [];
  const from: number[] = [0];
  const known = new Int32Array(targets.all.length).fill(-1);
  const ofSort = new Int32Array(SORTS);
  index.forEach((segment, member) => {
    for (let at = targets.from[segment]!; at < targets.from[segment + 1]!; at++) {
      const number = targets.own[at]!;
      let id = known[number]!;
      if (id < 0) {
        id = known[number] = all.length;
        const sort = targets.sorts[number]!;
        all.push({ id, sort, target: targets.all[number]!, weight: 0, penalty: 0 });
        ofSort[sort]! += 1;
      }
      all[id]!.weight += weight[member]!;
      ids.push(id);
    }
    from.push(ids.length);
  });
  for (const candidate of all) candidate.penalty = 2 * Math.log(ofSort[candidate.sort]!);
  return { all, ids, from };
};

export const membersOf = ({ ids, from }: Candidates, id: number): number[] => {
  const members: number[] = [];
  for (let member = 0; member + 1 < from.length; member++)
    for (let at = from[member]!; at < from[member + 1]!; at++) if (ids[at] === id) members.push(member);
  return members;
};
