import { type Candidate, type Candidates, candidatesOf, membersOf } from './candidates.ts';
import { clamp, medianOf } from './robust.ts';
import { sameTarget, type Target } from './scopes.ts';
import { RING, type Segments } from './segments.ts';

/**
 * Which condition kind, workspace, segment or everything explains that calculations are slow: robust regression of the residuals on
 * all of them, effects not negative, by forward selection with a look back. Kinds overlap, so each is judged by what is left when those
 * chosen before are taken away: kinds that only occur together with the slow one explain nothing more.
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
/** What averages are never surer than. */
const COMMON_NOISE = 0.03;
const LEAST_EFFECT = Math.log(1.08);

/** The segments that were calculated in the window. */
interface Data {
  readonly index: number[];
  readonly from: number[];
  readonly residuals: number[];
  readonly spread: Float64Array;
  readonly usualSpread: number;
  /** Effective number of calculations of each: they share the doubt of one baseline. */
  readonly weight: Float64Array;
}

/** By how much a target must be off: to be the first cause, to be one beside another, and to stay one when others are known. */
interface Sigmas {
  readonly first: (target: Target) => number;
  readonly further: number;
  readonly kept: number;
}

interface Chosen {
  readonly candidate: Candidate;
  readonly members: readonly number[];
  readonly lead: number;
  effect: number;
}

/** @param favoured what is known to be slow already: chosen unless another is clearly better */
export const attribute = (
  segments: Segments,
  fromBin: number,
  sigmas: Sigmas,
  favoured: readonly Target[],
  favour: number,
): Cause[] => {
  const data = collect(segments, fromBin);
  const candidates = candidatesOf(segments, data.index, data.weight);
  for (const candidate of candidates.all)
    if (favoured.some((target) => sameTarget(target, candidate.target))) candidate.penalty -= favour;
  const fit = new Float64Array(data.index.length);
  let chosen: Chosen[] = [];
  for (let tries = 0; tries < 2 * MAX_CAUSES && chosen.length < MAX_CAUSES; tries++) {
    const next = best(candidates, data, fit, chosen.length === 0 ? sigmas.first : () => sigmas.further);
    if (next === undefined || chosen.some(({ candidate }) => candidate.id === next.candidate.id)) break;
    chosen.push({ ...next, members: membersOf(candidates, next.candidate.id), effect: 0 });
    refit(chosen, data, fit);
    chosen = withoutNeedless(chosen, data, fit, sigmas.kept);
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
  return { index, from, residuals, spread, usualSpread: medianOf(spread.slice()), weight };
};

/** How far a segment is off what the causes so far explain, in spreads, as a weighted sum. */
const scoreOf = (data: Data, fit: Float64Array, member: number): number => {
  const [start, end, off] = [data.from[member]!, data.from[member + 1]!, fit[member]!];
  const spread = data.spread[member]!;
  let sum = 0;
  for (let at = start; at < end; at++) sum += clamp((data.residuals[at]! - off) / spread, -CLIP, CLIP);
  return (sum * data.weight[member]!) / (end - start);
};

/** Whether an average over so much weight, in spreads, is off by so many sigmas. */
const isOff = (mean: number, weight: number, sigmas: number, usualSpread: number): boolean =>
  mean >= sigmas * Math.hypot(Math.sqrt(CLIPPED_VARIANCE / weight), COMMON_NOISE / usualSpread);

/** The candidate with the largest gain in likelihood, if it is off by so many sigmas. */
const best = (candidates: Candidates, data: Data, fit: Float64Array, sigmasOf: (target: Target) => number) => {
  const sums = new Float64Array(candidates.all.length);
  data.index.forEach((_, member) => {
    const score = scoreOf(data, fit, member);
    for (let at = candidates.from[member]!; at < candidates.from[member + 1]!; at++)
      sums[candidates.ids[at]!]! += score;
  });
  const gains = candidates.all.map(({ id, weight, penalty }) => {
    const mean = sums[id]! / weight;
    return mean <= 0 ? 0 : (mean * mean * weight) / CLIPPED_VARIANCE - penalty;
  });
  let winner: Candidate | undefined;
  for (const candidate of candidates.all) {
    const { id, weight, target } = candidate;
    if (gains[id]! <= (winner === undefined ? 0 : gains[winner.id]!)) continue;
    if (isOff(sums[id]! / weight, weight, sigmasOf(target), data.usualSpread)) winner = candidate;
  }
  if (winner === undefined) return undefined;
  // Sums that are equal are of the same members: a kind that only one workspace has is the same as that kind within it, and what is one segment
  // is called so.
  let next = 0;
  let named = winner;
  for (const candidate of candidates.all) {
    const { id, weight, target } = candidate;
    const isSame = sums[id] === sums[winner.id] && weight === winner.weight;
    if (isSame && target.segment !== undefined) named = candidate;
    if (!isSame && gains[id]! > next) next = gains[id]!;
  }
  return { candidate: named, lead: gains[winner.id]! - next };
};

/** Effects of all chosen causes together: Newton's steps on one after the other. */
const refit = (chosen: readonly Chosen[], data: Data, fit: Float64Array): void => {
  for (let round = 0; round < ROUNDS * chosen.length; round++) {
    const cause = chosen[chosen.length - 1 - (round % chosen.length)]!;
    let sum = 0;
    let slope = 0;
    for (const member of cause.members) {
      sum += scoreOf(data, fit, member) / data.spread[member]!;
      slope += (WITHIN * data.weight[member]!) / data.spread[member]! ** 2;
    }
    const effect = Math.max(0, cause.effect + sum / slope);
    for (const member of cause.members) fit[member]! += effect - cause.effect;
    cause.effect = effect;
  }
};

/** A cause that was chosen early may be explained by those that came later: without it, is what it covers still off? */
const withoutNeedless = (chosen: Chosen[], data: Data, fit: Float64Array, sigmas: number): Chosen[] => {
  if (chosen.length < 2) return chosen;
  for (const cause of chosen) {
    const others = chosen.filter((other) => other !== cause).map((other) => ({ ...other }));
    const without = Float64Array.from(fit);
    for (const member of cause.members) without[member]! -= cause.effect;
    refit(others, data, without);
    let sum = 0;
    let weight = 0;
    for (const member of cause.members) {
      sum += scoreOf(data, without, member);
      weight += data.weight[member]!;
    }
    if (isOff(sum / weight, weight, sigmas, data.usualSpread)) continue;
    fit.set(without);
    return others;
  }
  return chosen;
};
