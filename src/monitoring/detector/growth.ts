import { clamp } from './robust.ts';
import type { Segments } from './segments.ts';
import type { Typical } from './typical.ts';

/** How calculation time grows with population before there is data, and how sure that is. */
const USUAL_ALPHA = 0.7;
const DOUBT = 0.25;
/** How different kinds are from all, and segments from their kinds. */
const DOUBT_OF_KIND = 0.15;
const DOUBT_OF_SEGMENT = 0.1;

interface Slope {
  xx: number;
  xy: number;
}

/** Drawn towards `mean` as much as the data leave in doubt; within 0 and 1. */
const slopeOf = ({ xx, xy }: Slope, mean: number, doubt: number, spread: number): number => {
  const prior = (spread / doubt) ** 2;
  return clamp((xy + prior * mean) / (xx + prior), 0, 1);
};

/**
 * The power of the population that time grows with: from each segment's own days only, so that what makes large workspaces different does not
 * matter. First of all segments, then of each kind, then of each segment.
 */
export const fitAlphas = (segments: Segments, typical: Typical, spread: number): void => {
  const own = Array.from({ length: segments.length }, (_, i) => ownSlope(segments, i));
  const total: Slope = { xx: 0, xy: 0 };
  const kinds: Slope[] = [];
  own.forEach((slope, i) => {
    for (const sum of [total, ...segments.kinds[i]!.map((kind) => (kinds[kind] ??= { xx: 0, xy: 0 }))]) {
      sum.xx += slope.xx;
      sum.xy += slope.xy;
    }
  });
  typical.alpha = slopeOf(total, USUAL_ALPHA, DOUBT, spread);
  typical.kindAlphas = Array.from(kinds, (slope) =>
    slope === undefined ? typical.alpha : slopeOf(slope, typical.alpha, DOUBT_OF_KIND, spread),
  );
  own.forEach((slope, i) => {
    segments.alpha[i] = slopeOf(slope, usualAlpha(typical, segments.kinds[i]!), DOUBT_OF_SEGMENT, spread);
  });
};

/** Of segments with these kinds. */
export const usualAlpha = (typical: Typical, kinds: readonly number[]): number =>
  kinds.length === 0
    ? typical.alpha
    : kinds.reduce((sum, kind) => sum + (typical.kindAlphas[kind] ?? typical.alpha), 0) / kinds.length;

const ownSlope = (segments: Segments, i: number): Slope => {
  let n = 0;
  let x = 0;
  let y = 0;
  for (const day of segments.days) {
    n += day.count[i]!;
    x += day.count[i]! * day.population[i]!;
    y += day.count[i]! * day.time[i]!;
  }
  const slope = { xx: 0, xy: 0 };
  for (const day of segments.days) {
    const dx = day.population[i]! - x / n;
    slope.xx += day.count[i]! === 0 ? 0 : day.count[i]! * dx * dx;
    slope.xy += day.count[i]! === 0 ? 0 : day.count[i]! * dx * (day.time[i]! - y / n);
  }
  return slope;
};
