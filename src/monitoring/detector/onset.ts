import { estimate, type Histogram } from './histogram.ts';
import { hourOfBin, HOUR_MS } from './time.ts';

/** Log of × of each of the last hours, oldest first; NaN where nothing was calculated. */
export interface Course {
  readonly firstHour: number;
  readonly means: readonly number[];
  readonly errors: readonly number[];
}

export const courseOf = (
  ofHour: (hour: number) => Histogram | undefined,
  endBin: number,
  hours: number,
  spread: number,
): Course => {
  const last = hourOfBin(endBin - 1);
  const firstHour = last - hours + 1;
  const estimates = Array.from({ length: hours }, (_, i) => {
    const cells = ofHour(firstHour + i);
    return cells === undefined ? undefined : estimate(cells, spread);
  });
  return {
    firstHour,
    means: estimates.map((each) => (each === undefined || each.n < 1 ? Number.NaN : each.mean)),
    errors: estimates.map((each) => each?.error ?? Number.POSITIVE_INFINITY),
  };
};

/** Half of the least drift: hours above it speak for having begun, those below against. */
const REFERENCE = 0.07;

/** When it began: from where the sum of what is beyond the reference grew until now (Page's cumulative sum, 1954). Epoch milliseconds. */
export const onsetOf = ({ firstHour, means, errors }: Course): number => {
  let sum = 0;
  let highest = 0;
  let from = means.length - 1;
  for (let i = means.length - 1; i >= 0; i--) {
    if (Number.isNaN(means[i]!)) continue;
    sum += (means[i]! - REFERENCE) / errors[i]! ** 2;
    if (sum > highest) {
      highest = sum;
      from = i;
    }
  }
  return (firstHour + from) * HOUR_MS;
};

/** Fewer hours make no trend. */
const LEAST_HOURS = 6;
/** A slope is believed when it is so many times its standard error. */
const SLOPE_SIGMAS = 3;

/** When the ratio reaches `multiple`, if it goes on growing along the straight line of its hours since `onset`. */
export const projection = (
  course: Course,
  onset: number,
  multiple: number,
  now: number,
): { multiple: number; at: number } | null => {
  const from = Math.max(0, Math.floor(onset / HOUR_MS) - course.firstHour);
  const points = course.means
    .map((mean, i) => ({ hour: i, ratio: Math.exp(mean), weight: 1 / (course.errors[i]! * Math.exp(mean)) ** 2 }))
    .slice(from)
    .filter(({ ratio, weight }) => Number.isFinite(ratio) && weight > 0);
  if (points.length < LEAST_HOURS) return null;
  const total = points.reduce((sum, { weight }) => sum + weight, 0);
  const x = points.reduce((sum, { hour, weight }) => sum + weight * hour, 0) / total;
  const y = points.reduce((sum, { ratio, weight }) => sum + weight * ratio, 0) / total;
  const xx = points.reduce((sum, { hour, weight }) => sum + weight * (hour - x) ** 2, 0);
  const slope = points.reduce((sum, { hour, ratio, weight }) => sum + weight * (hour - x) * (ratio - y), 0) / xx;
  if (slope <= 0 || slope * Math.sqrt(xx) < SLOPE_SIGMAS) return null;
  const at = (course.firstHour + x + 0.5 + (multiple - y) / slope) * HOUR_MS;
  return at > now ? { multiple, at: Math.round(at) } : null;
};
