import type { Alert, Contributor, Scope } from '../types.ts';
import type { OpenAlert } from './alerts.ts';
import { bucketOf, emptyHistogram } from './histogram.ts';
import { type Course, courseOf, projection } from './onset.ts';
import { isIn, sameTarget, scopeOf, type Target } from './scopes.ts';
import { trimmedMean } from './robust.ts';
import { RING } from './segments.ts';
import { summaryOf } from './summary.ts';
import { BIN_MS, BINS_PER_HOUR, hourOfBin } from './time.ts';
import type { Firing } from './watch.ts';
import { looker, membersOf, recentOf, sliceOf, spreadOf, type World } from './world.ts';

const TOP = 5;
/** Segments that were calculated within this are counted. */
const COUNTED_HOURS = 72;
const COURSE_HOURS = 72;

/** The course of a target's last three days, hour by hour. */
export const courseFor = (world: World, target: Target): Course => {
  const slice = sliceOf(world, target);
  const spread = spreadOf(world, target);
  if (slice !== undefined) return courseOf((hour) => slice.ofHour(hour), world.endBin, COURSE_HOURS, spread);
  const hours = new Map<number, Float32Array>();
  const { segments } = world;
  for (const i of membersOf(segments, target)) {
    for (let at = i * RING; at < i * RING + segments.inRing(i); at++) {
      const hour = hourOfBin(segments.ringBin[at]!);
      if (!hours.has(hour)) hours.set(hour, emptyHistogram());
      hours.get(hour)![bucketOf(segments.ringValue[at]! - segments.level[i]!)]! += 1;
    }
  }
  return courseOf((hour) => hours.get(hour), world.endBin, COURSE_HOURS, spread);
};

/** What is known of an open alert now, in the words of the outside. */
export const describe = (
  alert: OpenAlert,
  world: World,
  found: readonly Firing[],
  resolvedAt: number | null,
): Alert => {
  const { config, segments, names, endBin } = world;
  const look = looker(world, alert.target);
  const recent = recentOf(look, world);
  const ratio = Math.exp(recent.own.mean);
  const scope = scopeOf(alert.target, names, segments);
  const counted = endBin - COUNTED_HOURS * BINS_PER_HOUR;
  const members = membersOf(segments, alert.target).filter((i) => segments.lastBin[i]! >= counted);
  let active = 0;
  for (let i = 0; i < segments.length; i++) if (segments.lastBin[i]! >= counted) active += 1;
  const isReached = ratio >= config.multiple;
  const onsets = courseFor(world, alert.target);
  const known = {
    id: alert.id,
    rule: 'slow' as const,
    scope,
    severity: alert.severity,
    escalations: alert.escalations.map((each) => ({ ...each })),
    onset: alert.onset,
    openedAt: alert.openedAt,
    resolvedAt,
    ratio,
    peakRatio: Math.exp(Math.max(alert.peak, recent.own.mean)),
    rollingMs: recent.expectedMs * ratio,
    baselineMs: recent.expectedMs,
    control: recent.control === undefined ? null : Math.exp(recent.control.mean),
    excessShare: excessShare(world, alert.target, recent.hours),
    affectedSegments: members.length,
    unaffectedSegments: active - members.length,
    affectedWorkspaces: new Set(members.map((i) => segments.workspaces[i])).size,
    calculations: recent.calculations,
    ...topOf(world, members, endBin - Math.max(6, recent.hours) * BINS_PER_HOUR),
    projected: isReached ? null : projection(onsets, alert.onset, config.multiple, endBin * BIN_MS),
    baselineVersion: world.model.version,
    explains: explained(world, alert.target, found),
    fired: alert.fired,
  };
  return { ...known, summary: summaryOf(known) };
};

/** Of the time beyond normal of all calculations, the part in scope. */
const excessShare = (world: World, target: Target, hours: number): number => {
  const { segments, endBin } = world;
  const fromBin = endBin - hours * BINS_PER_HOUR;
  let own = 0;
  let others = 0;
  for (let i = 0; i < segments.length; i++) {
    if (segments.lastBin[i]! < fromBin) continue;
    const { mean, calculations } = lately(world, i, fromBin);
    const excess = Math.exp(segments.level[i]!) * (Math.exp(mean) - 1) * calculations;
    if (isIn(target, segments, i)) own += excess;
    else others += excess;
  }
  return own <= 0 ? 0 : own / (own + Math.max(0, others));
};

const scratch = new Float64Array(RING);

const lately = (world: World, i: number, fromBin: number): { mean: number; calculations: number } => {
  const { segments } = world;
  const n = segments.copyRing(i, fromBin, scratch);
  return { mean: n === 0 ? 0 : trimmedMean(scratch, n) - segments.level[i]!, calculations: n };
};

const topOf = (world: World, members: readonly number[], fromBin: number) => {
  const { segments, names } = world;
  const recent = members
    .filter((i) => segments.lastBin[i]! >= fromBin)
    .map((i) => ({ i, ...lately(world, i, fromBin) }))
    .map((each) => ({
      ...each,
      expected: Math.exp(segments.level[each.i]!) * each.calculations,
      excess: Math.exp(segments.level[each.i]!) * (Math.exp(each.mean) - 1) * each.calculations,
    }))
    .sort((a, b) => b.excess - a.excess || a.i - b.i);
  const workspaces = new Map<number, { expected: number; excess: number; calculations: number }>();
  for (const { i, expected, excess, calculations } of recent) {
    const sum = workspaces.get(segments.workspaces[i]!) ?? { expected: 0, excess: 0, calculations: 0 };
    workspaces.set(segments.workspaces[i]!, {
      expected: sum.expected + expected,
      excess: sum.excess + excess,
      calculations: sum.calculations + calculations,
    });
  }
  return {
    topSegments: recent.slice(0, TOP).map(
      ({ i, mean, calculations }): Contributor => ({
        workspace: names.workspaces[segments.workspaces[i]!]!,
        segment: segments.names[i]!,
        ratio: Math.exp(mean),
        calculations,
      }),
    ),
    topWorkspaces: [...workspaces]
      .sort(([a, one], [b, other]) => other.excess - one.excess || a - b)
      .slice(0, TOP)
      .map(
        ([workspace, { expected, excess, calculations }]): Contributor => ({
          workspace: names.workspaces[workspace]!,
          ratio: 1 + excess / expected,
          calculations,
        }),
      ),
  };
};

/** What fires beside the alert's own scope, and shares segments with it. */
const explained = (world: World, target: Target, found: readonly Firing[]): Scope[] =>
  found
    .filter(({ target: other }) => !sameTarget(other, target))
    .filter(({ target: other }) => membersOf(world.segments, other).some((i) => isIn(target, world.segments, i)))
    .map(({ target: other }) => scopeOf(other, world.names, world.segments));
