import type { AlertEvent, Fired, Severity } from '../types.ts';
import type { Cause } from './attribution.ts';
import { courseFor, describe } from './describe.ts';
import type { Estimate } from './histogram.ts';
import { onsetOf } from './onset.ts';
import { isStormOver, type Storm } from './outliers.ts';
import { enough, type Looker } from './rules.ts';
import { isIn, sameTarget, type Target } from './scopes.ts';
import type { Slice } from './slice.ts';
import { BIN_MS, BINS_PER_HOUR, HOUR_MS } from './time.ts';
import { causesOf, type Firing, isHigher, verdictOn } from './watch.ts';
import { looker, membersOf, recentOf, type World } from './world.ts';

/** An alert of calculations that are slow, as it is kept while it is open. */
export interface OpenAlert {
  readonly id: string;
  target: Target;
  severity: Severity;
  readonly escalations: { at: number; severity: Severity }[];
  readonly onset: number;
  readonly openedAt: number;
  /** Logs of ×: the highest of the short window, and of six hours or as many as hold enough calculations. */
  peak: number;
  held: number;
  fired: readonly Fired[];
}

/** A cause that waits until it stands out from the next. */
export interface Held {
  readonly target: Target;
  readonly since: number;
}

export interface AlertBook {
  open: OpenAlert[];
  held: Held[];
  /** Of all that were ever opened. */
  opened: number;
}

/** A cause within an open alert is one of its own only if it makes its part slower by this again. */
const OF_ITS_OWN = Math.log(1.5);
/** So much of the smaller scope in the other: the same cause. */
const SAME = 0.5;

/** One evaluation at the end of a bin. */
export const follow = (
  book: AlertBook,
  world: World,
  found: readonly Firing[],
  storm: Storm | undefined,
): AlertEvent[] => {
  const at = world.endBin * BIN_MS;
  const events: AlertEvent[] = [];
  const tell = (type: AlertEvent['type'], alert: OpenAlert, resolvedAt: number | null = null): void => {
    events.push({ type, at, alert: describe(alert, world, found, resolvedAt) });
  };
  const isOneOver = resolveThoseOver(book, world, at, tell);
  updateOpen(book, world, at, tell);
  // what fires was seen over windows in which what is over was still slow: they have begun anew
  if (isOneOver) return events;
  if (found.length === 0) book.held = [];
  else if (isNew(book, world, found)) {
    const causes = causesOf(world, found, book.open);
    moveScopes(book, world, causes, tell);
    openNew(book, world, causes, at, tell);
  }
  if (storm !== undefined && !book.open.some(({ target }) => overlap(world, target, storm.target) >= SAME))
    open(book, world, storm.target, 'outliers', [storm.fired], at, tell);
  return events;
};

/** While all that fires is in open alerts, causes are looked for again only now and then. */
const AGAIN_BINS = 6;

const isNew = ({ open }: AlertBook, world: World, found: readonly Firing[]): boolean =>
  world.endBin % AGAIN_BINS === 0 ||
  found.some(({ target }) => !open.some((alert) => overlap(world, alert.target, target) >= SAME));

type Tell = (type: AlertEvent['type'], alert: OpenAlert, resolvedAt?: number | null) => void;

/** Gives whether any was. */
const resolveThoseOver = (book: AlertBook, world: World, at: number, tell: Tell): boolean => {
  const over = book.open.filter((alert) =>
    alert.severity === 'outliers'
      ? isStormOver(world, alert.target)
      : isOver(alert, looker(world, alert.target), world),
  );
  for (const alert of over) tell('resolved', alert, at);
  for (const alert of over) forget(world, alert.target, world.endBin - world.config.clearHours * BINS_PER_HOUR);
  book.open = book.open.filter((alert) => !over.includes(alert));
  return over.length > 0;
};

/** What is slow within a scope is normal from now on: its alerts are over, and its windows begin anew. */
export const closeWithin = (book: AlertBook, world: World, target: Target): AlertEvent[] => {
  const { segments } = world;
  const at = world.endBin * BIN_MS;
  const over = book.open.filter((alert) => membersOf(segments, alert.target).every((i) => isIn(target, segments, i)));
  book.open = book.open.filter((alert) => !over.includes(alert));
  const events = over.map((alert): AlertEvent => ({ type: 'resolved', at, alert: describe(alert, world, [], at) }));
  forget(world, target, world.endBin);
  return events;
};

/** A slice of which so much is in an alert's scope was seen slow through it. */
const SHARES = 0.02;

/** What was slow is over: windows of the scope, and of what it is a part of, begin anew where it was clear. */
const forget = (world: World, target: Target, since: number): void => {
  const { segments, all, workspaces, kinds } = world;
  const shared = new Map<Slice, number>();
  for (const i of membersOf(segments, target)) {
    segments.since[i] = since;
    for (const slice of segments.slices[i]!) shared.set(slice, (shared.get(slice) ?? 0) + segments.learned[i]!);
  }
  const isWhole = Object.keys(target).length === 0;
  for (const slice of [all, ...workspaces, ...kinds])
    if (isWhole || (shared.get(slice) ?? 0) > SHARES * slice.learned) slice.since = since;
};

/** How clearly a window must be below what was held before. */
const CLEAR_SIGMAS = 4;
/**
 * For how many times `clearHours` it must be clear, by what was held; one of them is enough. What was held is the highest of many windows: of
 * a creep that is found at little, the next hours may well be below the threshold, and for so long as it was looked at they are not.
 */
const LONGER: readonly { readonly below: number; readonly factors: readonly number[] }[] = [
  { below: Math.log(1.25), factors: [12] },
  { below: Math.log(1.5), factors: [6] },
  { below: Number.POSITIVE_INFINITY, factors: [1, 1.5, 2, 3] },
];

/** Back to normal: below the threshold, also lately; nearer to normal than to what it was, and not by chance. */
const isOver = (alert: OpenAlert, look: Looker, { config }: World): boolean => {
  // what was slow for too short, or seldom, to be held above what is clear is measured by its peak
  const threshold = Math.log(config.clearRatio);
  const held = alert.held > threshold ? alert.held : alert.peak;
  const clear = (factor: number): Estimate | undefined => {
    const seen = enough(look, config.clearHours * factor, config.minCalculations, config);
    return seen !== undefined && isClear(seen.own, held, threshold) ? seen.own : undefined;
  };
  if (clear(1) === undefined) return false;
  return LONGER.find(({ below }) => held < below)!.factors.some((factor) => {
    const own = clear(factor);
    return own !== undefined && own.mean < held / 2 && held - own.mean >= CLEAR_SIGMAS * own.error;
  });
};

/** What was very slow is clear also where so few calculations cannot tell it from the threshold. */
const isClear = ({ mean, error }: Estimate, held: number, threshold: number): boolean =>
  mean < threshold || (mean < held / 4 && mean - error < threshold);

const updateOpen = (book: AlertBook, world: World, at: number, tell: Tell): void => {
  for (const alert of book.open) {
    measure(alert, looker(world, alert.target), world);
    const verdict = verdictOn(world, alert.target);
    if (verdict === undefined) continue;
    alert.fired = verdict.fired;
    if (!isHigher(verdict.severity, alert.severity)) continue;
    alert.severity = verdict.severity;
    alert.escalations.push({ at, severity: verdict.severity });
    tell('escalated', alert);
  }
};

/** What was slow for less is no measure of when it is over; what is calculated seldom is looked at for longer. */
const HELD_HOURS = 6;

const measure = (alert: OpenAlert, look: Looker, world: World): void => {
  alert.peak = Math.max(alert.peak, recentOf(look, world).own.mean);
  const held = enough(look, HELD_HOURS, world.config.minCalculations, world.config);
  if (held !== undefined) alert.held = Math.max(alert.held, held.own.mean);
};

/** The part of the smaller scope that is in the other as well, by segments. */
const overlap = (world: World, one: Target, other: Target): number => {
  const [a, b] = [membersOf(world.segments, one), membersOf(world.segments, other)];
  const both = a.filter((i) => isIn(other, world.segments, i)).length;
  return both / Math.max(1, Math.min(a.length, b.length));
};

/** An alert whose scope explains nothing any more, where a cause that overlaps it does, is about that one. */
const moveScopes = (book: AlertBook, world: World, causes: readonly Cause[], tell: Tell): void => {
  for (const alert of book.open) {
    if (causes.some(({ target }) => sameTarget(target, alert.target))) continue;
    const better = causes.find(
      ({ target, lead }) =>
        lead >= world.config.decided &&
        overlap(world, target, alert.target) >= SAME &&
        !book.open.some((other) => sameTarget(other.target, target)),
    );
    if (better === undefined || verdictOn(world, better.target) === undefined) continue;
    alert.target = better.target;
    tell('changed', alert);
  }
};

const openNew = (book: AlertBook, world: World, causes: readonly Cause[], at: number, tell: Tell): void => {
  const held: Held[] = [];
  for (const cause of causes) {
    if (book.open.some(({ target }) => sameTarget(target, cause.target))) continue;
    const same = book.open.filter(({ target }) => overlap(world, target, cause.target) >= SAME);
    // an alert that explains nothing beside this cause is about this cause; one that does leaves it the rest
    const isTold = same.some(({ target }) => !causes.some((other) => sameTarget(other.target, target)));
    if (isTold || (same.length > 0 && cause.effect < OF_ITS_OWN)) continue;
    const verdict = verdictOn(world, cause.target);
    if (verdict === undefined) continue;
    const waits = book.held.find(({ target }) => sameTarget(target, cause.target)) ?? {
      target: cause.target,
      since: at,
    };
    if (
      verdict.severity === 'drift' &&
      cause.lead < world.config.decided &&
      at - waits.since < world.config.holdHours * HOUR_MS
    ) {
      held.push(waits);
      continue;
    }
    open(book, world, cause.target, verdict.severity, verdict.fired, at, tell);
  }
  book.held = held;
};

const open = (
  book: AlertBook,
  world: World,
  target: Target,
  severity: Severity,
  fired: readonly Fired[],
  at: number,
  tell: Tell,
): void => {
  book.opened += 1;
  const alert: OpenAlert = {
    id: `alr_${at.toString(36)}${book.opened.toString(36)}`,
    target,
    severity,
    escalations: [{ at, severity }],
    onset: onsetFor(world, target, at),
    openedAt: at,
    peak: 0,
    held: 0,
    fired,
  };
  measure(alert, looker(world, target), world);
  book.open.push(alert);
  tell('opened', alert);
};
const onsetFor = (world: World, target: Target, at: number): number => Math.min(at, onsetOf(courseFor(world, target)));
