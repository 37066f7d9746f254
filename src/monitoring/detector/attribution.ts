import { clamp } from './robust.ts';
import type { Target } from './scopes.ts';
import { RING, type Segments } from './segments.ts';

/**
 * Which condition kind, workspace, segment or everything explains that calculations are slow: robust regression of the residuals on
 * all of them, effects not negative, by forward selection. Kinds overlap, so each is judged by what is left when those chosen before are
 * taken away: kinds that only occur together with the slow one explain nothing more.
 */
export interface Cause {
  readonly target: Target;
  /** Log of ×, beyond the other causes. */
  readonly effect: number;
  /** By how much (twice the log-likelihood) it stood out from the next best when it was chosen. */
  readonly lead: number;
}

/** Residuals count up to this many spreads: an outlier is one slow calculation, not thirty. */
const CLIP = 2;
/** Mean square of a normal value so clipped; part of them within. */
const CLIPPED_VARIANCE = 0.77;
const WITHIN = 0.954;
const MAX_CAUSES = 4;
const ROUNDS = 6;
/** What averages are never surer than, in spreads. */
const COMMON_NOISE = 0.08;
const LEAST_EFFECT = Math.log(1.08);

interface Candidate {
  readonly target: Target;
  readonly members: number[];
  /** What it costs that there are so many of its sort. */
  readonly penalty: number;
}

/** The segments that were calculated in the window. */
interface Data {
  readonly index: Int32Array;
  readonly from: Int32Array;
  readonly residuals: Float64Array;
  readonly spread: Float64Array;
  /** Effective number of calculations of each: they share the doubt of one baseline. */
  readonly weight: Float64Array;
}

export const attribute = (segments: Segments, fromBin: number, sigmas: number): Cause[] => {
  const data = collect(segments, fromBin);
  const candidates = candidatesOf(segments, data);
  const fit = new Float64Array(data.index.length);
  const chosen: { candidate: Candidate; effect: number; lead: number }[] = [];
  while (chosen.length < MAX_CAUSES) {
    const next = best(candidates, data, fit, sigmas);
    if (next === undefined || chosen.some(({ candidate }) => candidate === next.candidate)) break;
    chosen.push({ ...next, effect: 0 });
    refit(chosen, data, fit);
  }
  return chosen
    .filter(({ effect }) => effect >= LEAST_EFFECT)
    .map(({ candidate, effect, lead }) => ({ target: candidate.target, effect, lead }));
};

const scratch = new Float64Array(RING);

const collect = (segments: Segments, fromBin: number): Data => {
  const index: number[] = [];
  const from: number[] = [0];
  const residuals: number[] = [];
  for (let i = 0; i < segments.length; i++) {
    if (segments.lastBin[i]! < fromBin) continue;
    const n = segments.copyRing(i, fromBin, scratch);
    if (n === 0) continue;
    for (let at = 0; at < n; at++) residuals.push(scratch[at]! - segments.level[i]!);
    index.push(i);
    from.push(residuals.length);
  }
  const weight = Float64Array.from(index, (i, at) => {
    const n = from[at + 1]! - from[at]!;
    return n / (1 + n / Math.max(segments.learned[i]!, 0.1));
  });
  const spread = Float64Array.from(index, (i) => segments.spread[i]!);
  return {
    index: Int32Array.from(index),
    from: Int32Array.from(from),
    residuals: Float64Array.from(residuals),
    spread,
    weight,
  };
};

const candidatesOf = (segments: Segments, data: Data): Candidate[] => {
  const byKey = new Map<string, { target: Target; members: number[] }>();
  const put = (key: string, target: Target, member: number): void => {
    const there = byKey.get(key);
    if (there === undefined) byKey.set(key, { target, members: [member] });
    else there.members.push(member);
  };
  data.index.forEach((i, member) => {
    const workspace = segments.workspaces[i]!;
    put('', {}, member);
    put(`w${workspace}`, { workspace }, member);
    put(`s${i}`, { segment: i }, member);
    for (const kind of segments.kinds[i]!) {
      put(`k${kind}`, { kind }, member);
      put(`${kind} ${workspace}`, { kind, workspace }, member);
    }
  });
  const groups = [...byKey.values()];
  const sort = ({ kind, workspace, segment }: Target): string =>
    `${kind !== undefined} ${workspace !== undefined} ${segment !== undefined}`;
  const counts = new Map<string, number>();
  for (const { target } of groups) counts.set(sort(target), (counts.get(sort(target)) ?? 0) + 1);
  return groups.map((group) => ({ ...group, penalty: 2 * Math.log(counts.get(sort(group.target))!) }));
};

/** How far each segment is off what the causes so far explain, in spreads, as a weighted sum. */
const scores = (data: Data, fit: Float64Array): Float64Array =>
  Float64Array.from(data.index, (_, member) => {
    const [start, end] = [data.from[member]!, data.from[member + 1]!];
    let sum = 0;
    for (let at = start; at < end; at++)
      sum += clamp((data.residuals[at]! - fit[member]!) / data.spread[member]!, -CLIP, CLIP);
    return (sum * data.weight[member]!) / (end - start);
  });

/** The candidate with the largest gain in likelihood, if it is off by so many sigmas. */
const best = (candidates: readonly Candidate[], data: Data, fit: Float64Array, sigmas: number) => {
  const score = scores(data, fit);
  let [first, second] = [0, 0];
  let winner: Candidate | undefined;
  for (const candidate of candidates) {
    let sum = 0;
    let weight = 0;
    for (const member of candidate.members) {
      sum += score[member]!;
      weight += data.weight[member]!;
    }
    if (sum <= 0) continue;
    const mean = sum / weight;
    const variance = CLIPPED_VARIANCE / weight;
    const gain = (mean * mean) / variance - candidate.penalty;
    if (mean < sigmas * Math.sqrt(variance + COMMON_NOISE ** 2)) {
      second = Math.max(second, gain);
    } else if (gain > first) {
      [first, second] = [gain, Math.max(first, second)];
      winner = candidate;
    } else second = Math.max(second, gain);
  }
  return winner === undefined ? undefined : { candidate: winner, lead: first - second };
};

/** Effects of all chosen causes together: Newton's steps on one after the other. */
const refit = (chosen: { candidate: Candidate; effect: number }[], data: Data, fit: Float64Array): void => {
  for (let round = 0; round < ROUNDS * chosen.length; round++) {
    const cause = chosen[chosen.length - 1 - (round % chosen.length)]!;
    const score = scores(data, fit);
    let sum = 0;
    let slope = 0;
    for (const member of cause.candidate.members) {
      sum += score[member]! / data.spread[member]!;
      slope += (WITHIN * data.weight[member]!) / data.spread[member]! ** 2;
    }
    const effect = Math.max(0, cause.effect + sum / slope);
    for (const member of cause.candidate.members) fit[member]! += effect - cause.effect;
    cause.effect = effect;
  }
};
