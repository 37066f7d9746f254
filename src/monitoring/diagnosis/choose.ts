import type { Alert, Scope } from '../types.ts';
import type { Evidence, Role, SegmentName } from './evidence.ts';
import { MAX_AFFECTED, MAX_SAMPLES, MAX_UNAFFECTED } from './limits.ts';
import type { KnownSegment } from './parts.ts';

/** Which segments are looked at. Pure. */

export type Chosen = SegmentName & { readonly role: Role };

const keyOf = ({ workspace, segment }: SegmentName): string => `${workspace}\n${segment}`;

const isIn =
  (scope: Scope) =>
  ({ workspace, segment, kinds }: KnownSegment): boolean =>
    (scope.kind === undefined || kinds.includes(scope.kind)) &&
    (scope.workspace === undefined || scope.workspace === workspace) &&
    (scope.segment === undefined || scope.segment === segment);

const chosen = (segments: readonly SegmentName[], role: Role, limit: number): Chosen[] =>
  [...new Map(segments.map((each) => [keyOf(each), each])).values()]
    .slice(0, limit)
    .map(({ workspace, segment }) => ({ workspace, segment, role }));

/** Of each kind in turn the one that is calculated most, until there are enough. */
export const chooseSamples = (known: readonly KnownSegment[]): Chosen[] => {
  const byKinds = new Map<string, KnownSegment[]>();
  for (const each of known) {
    const key = each.kinds.join(' ');
    byKinds.set(key, [...(byKinds.get(key) ?? []), each]);
  }
  const lists = [...byKinds.values()];
  const rounds = Math.max(0, ...lists.map((list) => list.length));
  const inTurns = Array.from({ length: rounds }, (_, turn) => lists.flatMap((list) => list[turn] ?? [])).flat();
  return chosen(inTurns, 'sample', MAX_SAMPLES);
};

/**
 * Of an alert: the worst one, typical ones in scope, before all those that were looked at before and so can be compared, and one
 * that is not slow.
 */
export const chooseOf = (alert: Alert, known: readonly KnownSegment[], before: Evidence | undefined): Chosen[] => {
  const compared = new Set((before?.segments ?? []).map(keyOf));
  const inScope = isIn(alert.scope);
  const slow = (each: KnownSegment): boolean => inScope(each) || alert.explains.some((scope) => isIn(scope)(each));
  const comparable = known.filter((each) => compared.has(keyOf(each)));
  const [worst, ...others] = alert.topSegments.flatMap(({ workspace, segment }) =>
    segment === undefined ? [] : [{ workspace, segment }],
  );
  const affected = chosen(
    [...(worst === undefined ? [] : [worst]), ...comparable.filter(inScope), ...others, ...known.filter(inScope)],
    'affected',
    MAX_AFFECTED,
  );
  const taken = new Set(affected.map(keyOf));
  const rest = [...comparable, ...known].filter((each) => !slow(each) && !taken.has(keyOf(each)));
  return [...affected, ...chosen(rest, 'unaffected', MAX_UNAFFECTED)];
};
