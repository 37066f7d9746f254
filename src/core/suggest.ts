import { distance } from 'fastest-levenshtein';

/** Names longer than this are not compared: nobody mistypes one, and the comparison is quadratic. */
const MAX_NAME_LENGTH = 64;

const sorted = (text: string): string => [...text].sort().join('');

/** Letters in the wrong order count as one mistake, however many edits they take. */
const distanceOf = (a: string, b: string): number =>
  a.length === b.length && sorted(a) === sorted(b) ? Math.min(1, distance(a, b)) : distance(a, b);

/** The known name that somebody who wrote `name` most likely meant, or undefined where none is near. */
export const suggest = (name: string, known: readonly string[]): string | undefined => {
  if (name.length > MAX_NAME_LENGTH) return undefined;
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const away = distanceOf(wanted, candidate.toLowerCase());
    if (away < bestDistance) [best, bestDistance] = [candidate, away];
  }
  return best;
};

/** `{hint: 'did you mean "plan"?'}`, or nothing: to be spread into an error's `where`. */
export const didYouMean = (name: string, known: readonly string[]): { hint?: string } => {
  const meant = suggest(name, known);
  return meant === undefined ? {} : { hint: `did you mean "${meant}"?` };
};
