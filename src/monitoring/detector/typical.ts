import { solve } from './linear.ts';
import type { Segments } from './segments.ts';

/** What a segment takes by its kinds and its population alone, in logarithms. */
export interface Typical {
  base: number;
  /** What each kind adds. */
  kinds: number[];
  /** The power of the population that time grows with; and by kind. */
  alpha: number;
  kindAlphas: number[];
  /** How far segments are from it. */
  spread: number;
}

/** Keeps kinds of few segments near nothing. */
const RIDGE = 1;
const LEAST_SPREAD = 0.1;

/** Least squares of the levels on kinds. */
export const fitTypical = (segments: Segments, typical: Typical): Typical => {
  const kinds = segments.kinds.reduce((most, each) => Math.max(most, ...each.map((kind) => kind + 1)), 0);
  const size = kinds + 1;
  const matrix = Array.from({ length: size }, (_, i) => {
    const row = new Float64Array(size);
    row[i] = i === 0 ? 1e-6 : RIDGE;
    return row;
  });
  const right = new Float64Array(size);
  const known: number[] = [];
  for (let i = 0; i < segments.length; i++) if (segments.learned[i]! > 0 || segments.seen[i]! > 2) known.push(i);
  if (known.length < 3) return typical;
  const target = (i: number): number => segments.level[i]! - typical.alpha * segments.reference[i]!;
  for (const i of known) {
    const terms = [0, ...segments.kinds[i]!.map((kind) => kind + 1)];
    for (const a of terms) {
      right[a]! += target(i);
      for (const b of terms) matrix[a]![b]! += 1;
    }
  }
  const [base = 0, ...effects] = solve(matrix, right);
  const errors = known.map((i) => target(i) - segments.kinds[i]!.reduce((sum, kind) => sum + effects[kind]!, base));
  const variance = errors.reduce((sum, error) => sum + error * error, 0) / known.length;
  return { ...typical, base, kinds: effects, spread: Math.max(LEAST_SPREAD, Math.sqrt(variance)) };
};
